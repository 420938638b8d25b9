-- interval min and max
select min(iv), max(iv), sum(iv) from types;

-- interval min and max by group
select b, min(iv), max(iv) from types group by b;

-- midnight at the end of a day
select time '24:00' from types;

-- greatest of moments
select greatest(d, '2024-01-01'), least(ts, timestamp '2024-01-01') from types;

-- date plus and minus days
select d + 1, d - 1, 7 + d, d - id from types;

-- date minus date
select d - date '2024-01-01', date '2024-03-01' - d from types;

-- date plus interval is timestamp
select d + interval '1 month', d - interval '1 day', interval '2 hours' + d from types;

-- date plus time
select d + tm, tm + d, d + time '10:00' from types;

-- date end of month
select d + interval '1 month', d + interval '1 year', d - interval '1 month' from types;

-- timestamp plus interval
select ts + interval '1 month 2 days 03:04:05.678', ts - interval '90 minutes' from types;

-- timestamp minus timestamp
select ts - timestamp '2024-01-01', ts - d from types;

-- timestamptz minus timestamptz
select tz - timestamptz '2024-01-01 00:00+00' from types;

-- timestamptz plus days over a clock change
-- time zone: Europe/Berlin
select tz + interval '1 day', tz + interval '24 hours' from types where id > 8;

-- timestamptz minus months over a clock change
-- time zone: America/New_York
select tz - interval '1 month' from types;

-- time plus interval wraps
select tm + interval '20 hours', tm - interval '20 hours' from types;

-- time minus time
select tm - time '01:00', time '23:00' - tm from types;

-- interval plus and minus
select iv + interval '1 day', iv - interval '1 hour' from types;

-- interval times and over
select iv * 2, iv * 1.5, iv / 2, 3 * iv from types;

-- interval negation
select -iv from types;

-- interval division by zero
-- error: 22012
select iv / 0 from types;

-- interval comparisons
select id from types where iv > interval '1 day';

-- interval equality of other forms
select id from types where iv = interval '24 hours' or iv = interval '30 days';

-- interval order
-- ordered
select id, iv from types order by iv, id;

-- interval groups
select iv, count(*) from types group by iv;

-- interval distinct
select distinct iv from types;

-- differences of timestamps are grouped by
-- ordered
select ts - date_trunc('day', ts) as t, count(*), min(id) from types group by 1 having ts - date_trunc('day', ts) >= '0' order by t desc nulls last;

-- groups of equal intervals that look otherwise
-- ordered
select count(*), sum(id) from types group by case when id < 4 then interval '1 day' when id < 8 then interval '24:00' else iv end order by 1, 2;

-- distinct intervals beside other columns
-- ordered
select distinct b, iv * 2 as twice from types where id < 8 order by 2 desc, b;

-- interval groups with windows over them
-- ordered
select iv, rank() over (order by iv), sum(count(*)) over (order by iv) from types group by iv order by iv;

-- interval groups in a derived table
-- ordered
select extract(epoch from t) as s, n from (select ts - d as t, count(*) as n from types group by ts - d) x where n > 0 order by s;

-- grouping sets beside intervals
select iv, count(*) from types group by rollup (iv);

-- interval text
select iv::text, 'i=' || iv from types;

-- interval from text
select '1 year 2 mons'::interval, 'P1Y2M3DT4H5M6S'::interval, '1-2'::interval, '3 4:05:06'::interval from types where id = 1;

-- interval constants
select interval '1.5 days', interval '2 weeks ago', interval '1 decade', interval '-3:00' from types where id = 1;

-- interval fields
select interval '1' year, interval '90' minute, interval '5' day from types where id = 1;

-- interval of a range of fields
select interval '1-2' year to month from types;

-- extract of date
select extract(year from d), extract(dow from d), extract(doy from d), extract(epoch from d), extract(isodow from d), extract(week from d), extract(quarter from d) from types;

-- extract of timestamp
select extract(second from ts), extract(microseconds from ts), extract(hour from ts), extract(epoch from ts), extract(century from ts) from types;

-- extract of timestamptz
-- time zone: Asia/Kolkata
select extract(hour from tz), extract(day from tz), extract(epoch from tz) from types;

-- extract of time
select extract(hour from tm), extract(minute from tm), extract(second from tm) from types;

-- extract of interval
select extract(day from iv), extract(epoch from iv), extract(month from iv), extract(hour from iv) from types;

-- date_part is double
select date_part('year', d), date_part('second', ts), date_part('epoch', iv) from types;

-- date_trunc of each
select date_trunc('month', d), date_trunc('hour', ts), date_trunc('day', tz), date_trunc('week', ts) from types;

-- date_trunc in a zone
-- time zone: America/Sao_Paulo
select date_trunc('day', tz) from types;

-- timestamptz to date by zone
-- time zone: Asia/Tokyo
select tz::date, tz::timestamp, tz::time from types;

-- timestamp to timestamptz by zone
-- time zone: Europe/Berlin
select ts::timestamptz, d::timestamptz from types;

-- at time zone
select tz at time zone 'Asia/Tokyo', ts at time zone 'Asia/Tokyo', d at time zone 'UTC' from types;

-- at time zone with an offset
select tz at time zone '+02', tz at time zone 'UTC' from types;

-- timestamp infinity constant
select 'infinity'::timestamp, '-infinity'::timestamptz, 'infinity'::date from types where id = 1;

-- timestamp against infinity
select id from types where ts < 'infinity' and tz > '-infinity' and d < 'infinity';

-- date overflow
-- error: 22008
select d + 2147483647 from types;

-- date constants of many forms
select date 'Jan 31, 2024', date '20240131', date '2024/1/31', date 'January 31 2024', date '31-Jan-2024' from types where id = 1;

-- timestamp constants of many forms
select timestamp '2024-01-31T10:30:00', timestamp '20240131 103000', timestamp 'Jan 31 10:30:00 2024', timestamp '2024-01-31 10:30 PM' from types where id = 1;

-- timestamptz constants of many forms
select timestamptz '2024-01-31 10:30:00+02', timestamptz '2024-01-31 10:30 Europe/Berlin', timestamptz '2024-01-31T10:30Z', timestamptz '2024-01-31 10:30 PST' from types where id = 1;

-- timestamptz constant by zone
-- time zone: Europe/Berlin
select timestamptz '2024-07-01 10:30', timestamptz '2024-01-01' from types where id = 1;

-- years before christ
select date '0044-03-15 BC', timestamp '0001-12-31 23:59:59 BC' from types where id = 1;

-- years beyond 9999
select date '12345-01-01', timestamp '20000-06-01 00:00' from types where id = 1;

-- date text of old years
select (date '0044-03-15 BC')::text, (timestamp '12345-01-01')::text from types where id = 1;

-- time constants
select time '10:30', time '103000', time '10:30 PM', time '10:30:00.1234567' from types where id = 1;

-- timestamp precision
select ts::timestamp(0), tz::timestamptz(3), (tm - interval '1 hour')::time(1), timestamp(2) '2024-01-01 00:00:00.126' from types;

-- timestamp text precision
select ('2024-01-01 00:00:00.126789'::timestamp(3))::text from types where id = 1;

-- current date and now agree
select current_date = now()::date, now() = current_timestamp, localtimestamp = now()::timestamp from types where id = 1;

-- date compared with timestamp
select id from types where d < ts;

-- timestamp compared with timestamptz
-- time zone: Asia/Tokyo
select id from types where ts < tz;

-- date compared with timestamptz
-- time zone: America/New_York
select id from types where d <= tz;

-- date in list
select id from types where d in ('2024-01-31', date '2023-02-28', '1970-1-1');

-- date between texts
select id from types where d between '2023-01-01' and '2024-02-29';

-- timestamp between dates
select id from types where ts between date '2024-01-01' and '2024-12-31';

-- time comparisons
select id from types where tm >= '06:00' and tm < time '12:00:01';

-- union of date and timestamp
select d from types union all select ts from types;

-- coalesce of date and timestamp
-- time zone: Europe/Berlin
select coalesce(d, ts), coalesce(ts, tz) from types;

-- case of date and null
select case when b then d end, case when b then ts else d end from types;

-- min max of moments
select min(d), max(d), min(ts), max(tz), min(tm), max(tm) from types;

-- count distinct moments
select count(distinct d), count(distinct ts::date) from types;

-- age
select age(timestamp '2024-03-01', ts), age(date '2024-03-01', d) from types;

-- to_char of moments
select to_char(d, 'YYYY-MM-DD'), to_char(ts, 'HH24:MI:SS'), to_char(tz, 'DD.MM.YYYY') from types;

-- date and integer arithmetic in conditions
select id from types where d + 30 > date '2024-02-20' and d - 1 < '2024-03-01';

-- bad make_date
-- error: 22008
select make_date(2023, 2, 29) from types;

-- timestamp to date and time
select ts::date, ts::time, d::timestamp from types;

-- date constant out of range
-- error: 22008
select id from types where d > '2024-13-01';

-- date constant that is none
-- error: 22007
select id from types where d > 'soon';

-- timestamp constant that is none
-- error: 22008
select id from types where ts > '2024-01-01 25:00';

-- epoch to timestamp
select to_timestamp(0), to_timestamp(1700000000.5) from types where id = 1;

-- generate_series of days
select g from generate_series(date '2024-01-30', date '2024-02-02', interval '1 day') as g, types where id = 1;

-- time zone names in text
-- time zone: Asia/Kolkata
select tz::text from types;

-- timestamps as text
select ts::text, d::text, tm::text, tz::text from types;

-- timestamps from text columns
select (ts::text)::timestamp, (d::text)::date from types where d > '1900-01-01';

-- interval in list
select id from types where iv in ('24 hours', interval '30 days', '45 days');

-- interval between
select id from types where iv between '-1 day' and interval '1 mon';

-- interval nullif
select nullif(iv, '30 days'), nullif(iv, interval '36 hours') from types;

-- greatest of intervals
select greatest(iv, interval '1 day') from types;

-- interval joins
select a.id, b.id from types as a join types as b on a.iv = b.iv;
-- difference of timestamps over centuries
select ts - '0001-01-01'::timestamp, '9999-12-31 23:59:59.999999'::timestamp - ts from types;
-- month of a time
-- error: 0A000
select extract(month from tm) from types;
