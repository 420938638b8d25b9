-- date arithmetic
select id, d + 1, d - 1, 7 + d, d - date '2024-01-01', d + id, d - id from types;
-- date and interval
select id, d + interval '1 day', d - interval '1 month', d + interval '1 year 2 months 3 days', d + interval '90 minutes' from types;
-- timestamp and interval
select id, ts + interval '1 month', ts - interval '1 day 02:03:04.5', ts + interval '1 week', interval '1 hour' + ts from types;
-- end of month
select date '2024-01-31' + interval '1 month', date '2024-03-31' - interval '1 month', date '2023-01-31' + interval '1 month', date '2024-02-29' + interval '1 year';
-- timestamp minus timestamp
select id, ts - timestamp '2024-01-01', timestamp '2024-01-01' - ts, ts - ts, ts - d from types;
-- timestamptz arithmetic
select id, tz + interval '1 day', tz - interval '1 hour', tz - timestamptz '2024-01-01 00:00+00' from types;
-- timestamptz arithmetic in a zone
-- time zone: Europe/Berlin
select id, tz + interval '1 day', tz + interval '1 month', tz + interval '24 hours', tz::date - 1 from types;
-- date and time
select id, d + tm, date '2024-01-31' + time '10:30' from types;
-- time arithmetic
select id, tm + interval '1 hour', tm - interval '30 minutes', tm - time '06:00' from types;
-- interval constants
select date '2024-01-31' + interval '1-2', timestamp '2024-01-31' + interval '3 4:05:06', timestamp '2024-01-31' + interval '1 day ago', timestamp '2024-01-31' + interval '1.5 hours', timestamp '2024-01-31' + interval 'P1Y2M3DT4H5M6S', timestamp '2024-01-31' + interval '02:30', timestamp '2024-01-31' + interval '1' year, timestamp '2024-01-31' + interval '1.5 months', timestamp '2024-01-31' + '2 hours'::interval, timestamp '2024-01-31' + interval '-1 mon +2 days';
-- interval values
select interval '1 day', interval '14 months', interval '-3 days 04:05:06.789', interval '0', interval '36 hours', interval '1 year -1 day';
-- interval columns
select id, iv, -iv, iv + interval '1 day', iv - interval '1 hour' from types;
-- interval times number
select id, iv * 2, iv * 1.5, 2 * iv, iv / 2, interval '1 day' * id, interval '1 month' * 0.5 from types;
-- date plus days times interval
select id, d + id * interval '1 day', d - interval '1 hour' * id from types;
-- extract from date
select id, extract(year from d), extract(month from d), extract(day from d), extract(dow from d), extract(isodow from d), extract(doy from d), extract(week from d), extract(quarter from d), extract(isoyear from d) from types;
-- extract from timestamp
select id, extract(hour from ts), extract(minute from ts), extract(second from ts), extract(milliseconds from ts), extract(microseconds from ts) from types;
-- extract epoch
select id, extract(epoch from d), extract(epoch from ts), extract(epoch from tz), extract(epoch from iv) from types;
-- extract centuries
select id, extract(century from d), extract(decade from d), extract(millennium from d) from types;
-- extract from interval
select id, extract(year from iv), extract(month from iv), extract(day from iv), extract(hour from iv), extract(minute from iv), extract(second from iv) from types;
-- extract from a difference
select id, extract(day from ts - timestamp '2024-01-01'), extract(epoch from (tz - timestamptz '2024-01-01 00:00+00')) / 3600 from types;
-- extract from timestamptz in a zone
-- time zone: America/New_York
select id, extract(hour from tz), extract(day from tz), extract(epoch from tz) from types;
-- extract from time
select id, extract(hour from tm), extract(minute from tm), extract(second from tm) from types;
-- arithmetic on extract
select extract(year from o_orderdate) * 100 + extract(month from o_orderdate) as ym, count(*) from orders group by 1;
-- date_part
select id, date_part('year', d), date_part('month', ts), date_part('hour', ts), date_part('dow', d) from types;
-- date_trunc of timestamps
select id, date_trunc('year', ts), date_trunc('quarter', ts), date_trunc('month', ts), date_trunc('week', ts), date_trunc('day', ts), date_trunc('hour', ts), date_trunc('minute', ts), date_trunc('second', ts), date_trunc('milliseconds', ts) from types;
-- date_trunc of dates
select id, date_trunc('month', d), date_trunc('year', d), date_trunc('month', d)::date from types;
-- date_trunc of dates in a zone
-- time zone: Europe/Berlin
select id, date_trunc('month', d) from types where d > date '1900-01-01';
-- date_trunc of timestamptz in a zone
-- time zone: Europe/Berlin
select id, date_trunc('day', tz), date_trunc('month', tz) from types where tz > timestamptz '1900-01-01';
-- age
select id, age(ts, timestamp '2001-04-10'), age(timestamp '2001-04-10', ts), age(timestamp '2024-03-01', ts), age(d, date '2023-01-31') from types;
-- at time zone
select id, ts at time zone 'UTC', ts at time zone 'America/New_York', tz at time zone 'Asia/Tokyo', tz at time zone 'UTC' from types where id <> 10;
-- at time zone twice
select id, ts at time zone 'UTC' at time zone 'Europe/Berlin' from types;
-- make_date
select make_date(2024, 2, 29), make_date(extract(year from d)::int, 1, 1) from types where d is not null;
-- to_char of dates
select id, to_char(d, 'YYYY-MM-DD'), to_char(d, 'DD.MM.YY'), to_char(d, 'YYYYMM'), to_char(d, 'Mon DD, YYYY'), to_char(d, 'DDD'), to_char(d, 'Q') from types;
-- to_char of timestamps
select id, to_char(ts, 'YYYY-MM-DD HH24:MI:SS'), to_char(ts, 'HH12:MI AM'), to_char(ts, 'MS'), to_char(ts, 'US'), to_char(tz, 'YYYY-MM-DD HH24:MI') from types;
-- to_char names
select id, to_char(d, 'Month') || '|', to_char(d, 'FMMonth'), to_char(d, 'Dy'), to_char(d, 'FMDay, DD'), to_char(d, 'MON'), to_char(d, 'FMDD/FMMM') from types;
-- to_char iso week
select id, to_char(d, 'IYYY-IW') from types;
-- to_date
select to_date('2024-01-31', 'YYYY-MM-DD'), to_date('31/01/2024', 'DD/MM/YYYY'), to_date('20240131', 'YYYYMMDD');
-- to_timestamp of numbers
select to_timestamp(0), to_timestamp(1700000000.5), to_timestamp(i4) from types where id < 4;
-- to_timestamp of text
select to_timestamp('2024-01-31 10:30:15', 'YYYY-MM-DD HH24:MI:SS');
-- now is stable
select now() = current_timestamp, current_date = now()::date, now() - interval '1 day' < now(), localtimestamp = now()::timestamp;
-- comparison of dates and constants
select id from types where d > '2023-12-31' and d <= date '2024-12-31';
-- comparison of dates and timestamps
select id, d < ts, d = ts, d <= timestamp '2024-01-31', d < timestamp '2024-01-31 00:00:01', ts::date = d from types;
-- between dates
select count(*) from orders where o_orderdate between date '1994-01-01' and date '1994-01-01' + interval '1 year';
-- date interval bounds
select count(*) from orders where o_orderdate >= date '1995-01-31' + interval '1 month' and o_orderdate < date '1995-03-31' - interval '36 hours';
-- difference in days
select l_receiptdate - l_shipdate, count(*) from lineitem where l_shipdate < date '1992-02-01' group by l_receiptdate - l_shipdate;
-- sum of intervals
select sum(iv) from types where id in (5, 7, 10);
-- old dates
select d + 1, d - interval '1 day', extract(year from d) from types where false;
-- dates before nanoseconds
select id, d - interval '1 day', ts + interval '1 day', ts::date, greatest(d::timestamp, ts) from types where id = 9;
-- min and max of moments
select min(d), max(ts), min(tz), max(tm) from types;
-- case with dates
select id, case when d < date '2000-01-01' then 'old' when d is null then 'none' else 'new' end from types;
-- dates in
select id from types where d in ('2024-01-31', date '1970-01-01');
-- coalesce of moments
select id, coalesce(d, '2000-01-01'), coalesce(ts, d), coalesce(ts, timestamp '1999-01-01') from types;
-- at local
select id, tz at local, ts at local, ts at local at time zone 'Asia/Tokyo' from types;
-- at local in a zone
-- time zone: America/New_York
select id, tz at local, ts at local, timezone from (select *, tz at local from types) x where (ts at local) is not null;
-- date_part as double precision
select id, date_part('second', ts), date_part('epoch', tz), date_part('year', d) / 7, date_part('HOURS', tm), date_part('month', iv), date_part('dow', ts)::text from types;
-- date_part within json
select jsonb_agg(date_part('second', ts) order by id), json_agg(date_part('hour', tz) order by id), to_jsonb(max(date_part('day', d))) from types;
-- date_part by a parameter of the row
select id, date_part(case when b then 'year' else 'month' end, ts), date_part from (select *, date_part('year', d) from types) x;
-- date_part of an unknown field
-- error: 22023
select date_part('bogus', ts) from types;
-- an interval as time of day
select id, cast(iv as time), (ts - timestamp '2000-01-01')::time, interval '25:01:02.5'::time, (-interval '1 second')::time from types where id <> 6;
-- overlaps as a function
select id, overlaps(tm, tm, tm, '00:00'::time), overlaps(d, d + 2, d + 1, d + 5), overlaps(ts, '1 day'::interval, ts, '1 hour'::interval) is not true, (d, d + 2) overlaps(d + 1, d + 5) and b from types;
-- a date at a time zone is a timestamptz of the session
-- time zone: Europe/Berlin
select id, d at time zone 'UTC', d at time zone 'Asia/Tokyo', (d at time zone 'UTC')::date, date_trunc('day', d at time zone 'UTC'), extract(hour from d at time zone 'UTC') from types;
-- a date and its arithmetic at a time zone
-- time zone: America/New_York
select id, (d + 1) at time zone 'UTC' + interval '1 hour', timezone('UTC', d), max(d) over () at time zone 'UTC' from types;
-- a constant at a time zone
-- time zone: Europe/Berlin
select id, '2024-07-01 10:00' at time zone 'UTC', '2024-07-01 10:00+05' at time zone 'UTC', null at time zone 'UTC' from types;
-- times of day and intervals are cut
select id, date_trunc('hour', tm), date_trunc('minute', iv), date_trunc('day', iv), date_trunc('month', iv) from types;
-- intervals written in to_char
select id, to_char(interval '1 hour' * id, 'HH24:MI'), to_char(ts + interval '90 minutes', 'HH24:MI'), to_char(timestamp '2024-02-29 10:00' + interval '1 day' * id, 'FMDay DD') from types;
-- a time of day at a time zone
select time '10:00' at time zone 'UTC', id, tm at time zone 'Asia/Kolkata' from (select id, ts::time as tm from types) s;
-- a time of day with a zone at another
select id, timetz '10:00+02' at time zone 'UTC', time '10:00' at time zone 'UTC' = '10:00+00'::timetz from types;
-- clock while rows are computed
select clock_timestamp() > '2020-01-01', clock_timestamp() >= now() - interval '1 s' from pairs;
-- clocks inside of formats
select to_char(clock_timestamp(), 'YYYY') > '2020', to_char(statement_timestamp(), 'YYYY') >= '2020', to_json(transaction_timestamp()) is not null from pairs;
-- localtime of the day
select localtime is not null, localtime(2) < '24:00', localtime = localtimestamp::time, k from pairs;
-- current_time with its zone
select current_time is not null, current_time(0)::text like '__:__:__+00', current_time = now()::timetz, extract(timezone from current_time) from pairs;
-- times of the day named in a derived table
select a.localtime is null, a.current_time is null from (select localtime, current_time from pairs) a;
-- times compared with localtime
select count(*) from types where tm < localtime or tm >= localtime;

-- intervals of so many digits
select interval(0) '1.6 seconds', interval(2) '-1.005 seconds', '1.234567'::interval(2), interval '1.234567' second(2) from pairs;

-- intervals of columns of so many digits
select iv::interval(0), (iv / 7)::interval(3) from types;

-- intervals of a range of fields
select interval '1 12:59:10' day to second, interval '10:20' hour to minute, interval '10:20' minute to second, interval '1 2' day to hour, interval '1-2' year to month from pairs;

-- quarters of negative intervals
select extract(quarter from interval '14 months'), extract(quarter from interval '-14 months'), extract(quarter from iv) from types;

-- years before Christ
select extract(year from d - 740000), extract(isoyear from d - 740000), extract(century from d - 740000), extract(millennium from d - 740000), extract(decade from d - 740000), d - 740000 from types;

-- the first years before Christ
select g, extract(year from x), extract(isoyear from x), extract(century from x), extract(millennium from x), extract(decade from x), date_part('year', x) from (select k, date '0001-01-03' - 100 * k from pairs) p (g, x);

-- years before Christ of timestamps
select id, extract(year from ts - interval '2024 years'), extract(century from ts - interval '2123 years'), extract(millennium from tz - interval '3023 years'), extract(isoyear from ts - interval '2024 years') from types;
-- infinite moments beside those of other types
select id, ts < 'infinity'::date, tz >= 'infinity'::date, d <> '-infinity'::timestamp, tz between '-infinity'::date and 'infinity'::timestamp,
  ts is distinct from 'infinity'::timestamptz, ts in ('infinity'::date, d, '2024-02-29'), d = 'infinity'::timestamptz from types;
-- rows before infinity
select id from types where d < 'infinity'::timestamp and tz > '-infinity'::timestamp and 'infinity'::date <= 'infinity'::timestamp;
-- an infinite date of a subquery beside timestamps
select id, x < ts, x = tz from (select 'infinity'::date as x union all select d from types) s, types;
