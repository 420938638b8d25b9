-- numbers 1
select to_char(n, '999,999,990.99'), to_char(n2, 'FM99990.00') from types;
-- numbers 2
select to_char(i4, '9999999999'), to_char(i8, 'S9999999999999999999') from types;
-- numbers 3
select to_char(f8, '9.99EEEE') from types where id < 3;
-- numbers 4
select to_char(id, 'RN'), to_char(id, 'FMRN'), to_char(id, 'FM000') from types;
-- numbers 5
select to_char(i2, '9999MI'), to_char(i2, '9999PR'), to_char(i2, 'SG9999'), to_char(i2, 'PL9999') from types;
-- numbers 6
select to_char(n2, 'L99999.9'), to_char(0.1, '0.99'), to_char(n2, '9999V99') from types;
-- numbers 7
select to_char(id, '99th'), to_char(id, 'FM99TH') from types;
-- numbers 8
select to_char(485, '"Good number:"999'), to_char(12.45, '99V9') from types where id = 1;
-- numbers 9
select to_char(f4, 'FM999999.999') from types;
-- numbers 10
select to_char(125, '999') || to_char(id, '000') from types;
-- intervals 1
select to_char(iv, 'HH24:MI:SS'), to_char(iv, 'YYYY-MM-DD') from types;
-- intervals 2
select to_char(interval '15h 2m 12s', 'HH24 MI SS MS US'), to_char(iv, 'DD "days"') from types;
-- dates 1
select to_char(ts, 'Day, DD  HH12:MI:SS'), to_char(ts, 'FMDay, FMDD  HH12:MI:SS') from types;
-- dates 2
select to_char(ts, 'YYYY-"Q"Q'), to_char(d, 'IYYY-IW-ID') from types;
-- dates 3
select to_char(tz, 'YYYY-MM-DD"T"HH24:MI:SS TZ OF TZH:TZM') from types;
-- dates 4
-- time zone: America/New_York
select to_char(tz, 'YYYY-MM-DD HH24:MI:SS TZ OF') from types;
-- dates 5
-- time zone: Europe/Berlin
select to_char(tz, 'tz "at" HH12 a.m. P.M.') from types;
-- dates 6
select to_char(d, 'CC J WW W D DDD RM rm'), to_char(ts, 'SSSS SSSSS FF1 FF3 FF6') from types;
-- dates 7
select to_char(d, 'DDth Month'), to_char(d, 'fmDdth MONTH'), to_char(d, 'BC AD b.c.') from types;
-- dates 8
select to_char(d, 'Y,YYY'), to_char(d, 'YYY YY Y I IY IYY') from types;
-- dates 9
select to_char(ts, 'MON Mon mon DY Dy dy DAY day') from types;
-- dates 10
select to_char(ts, t) from types where id in (1, 2, 8);
-- dates 11
select to_char(ts, 'Dnight"D"'), to_char(ts, '"week" IW') from types;
-- dates 12
select to_char(tm, 'HH24:MI') from types where id = 1;
-- dates 13
select to_char(now(), 'YYYY') = extract(year from now())::text from types where id = 1;
-- dates 14
select upper(to_char(d, 'dy')) || '-' || to_char(d, 'TMMon') from types;
-- reading dates 1
select to_date('05 Dec 2000', 'DD Mon YYYY'), to_date('20240229', 'YYYYMMDD') from types where id = 1;
-- reading dates 2
select to_date(to_char(d, 'FMMonth DD, YYYY'), 'FMMonth DD, YYYY') from types;
-- reading dates 3
select to_timestamp('2024-01-31 10:30:15.123', 'YYYY-MM-DD HH24:MI:SS.MS') from types where id = 1;
-- reading dates 4
-- time zone: America/New_York
select to_timestamp('2024-07-01 10:30', 'YYYY-MM-DD HH24:MI') from types where id = 1;
-- reading dates 5
select to_timestamp(to_char(ts, 'DDD YYYY SSSS'), 'DDD YYYY SSSS') from types;
-- reading dates 6
select to_timestamp('15h 2m', 'HH24"h" MI"m"') is null, to_date('2024 53', 'IYYY IW') is null from types where id = 1;
-- reading dates 7
-- error: 22008
select to_date('2024-13-01', 'YYYY-MM-DD') from types;
-- reading dates 8
-- error: 22007
select to_date(t, 'YYYY-MM-DD') from types;
-- reading dates 9
-- error: 22007
select to_timestamp('x', 'HH24') from types;
-- reading numbers 1
select to_number('12,454.8-', '99G999D9S'), to_number('$1,234.50', 'L9,999.99') from types where id = 1;
-- reading numbers 2
select to_number(to_char(n2, '99999990.99'), '99999990.99') from types;
-- reading numbers 3
select to_number(id::text, '99') + 1 from types;
-- reading numbers 4
-- error: 22P02
select to_number(t, '99') from types where id = 1;
-- reading numbers 5
select sum(to_number(id || '.5', '99.9')) from types;
-- casts to text 1
select iv::text, iv || ' ago' from types;
-- casts to text 2
select ai::text, at::text from types;
-- casts to text 3
select ai || '{}' = '{}' from types where id = 3;
-- casts to text 4
select id::text::char(1), n::text, f8::text from types;
-- casts from text 1
select '10:20'::time, (id || ' hours')::interval, (id || ' days 3 hours')::interval from types;
-- casts from text 2
select ('2024-01-' || id)::date, ('Jan ' || id || ', 2024')::date from types;
-- casts from text 3
select ('2024-01-' || id || ' 10:00')::timestamp, ('epoch')::timestamp from types;
-- casts from text 4
-- time zone: Europe/Berlin
select ('2024-06-0' || id || ' 10:00 EST')::timestamptz from types where id < 9;
-- casts from text 5
select ('{' || id || ',' || id + 1 || '}')::int[] from types;
-- casts from text 6
select string_to_array(v, ',')::text[] from types;
-- casts from text 7
-- error: 22007
select t::interval from types where id = 1;
-- casts from text 8
-- error: 22007
select t::date from types where id = 1;
-- casts from text 9
-- error: 22P02
select t::int from types where id = 1;
-- casts from text 10
select id::bit(8), id::bit(8)::int from types;
-- casts from text 11
select (id || 'e2')::numeric, (id || '.50')::numeric from types;
-- moments 1
select date_bin('15 minutes', ts, timestamp '2001-01-01') from types;
-- moments 2
select make_interval(days => id, hours => 2), make_interval(0, 1, 2, 3) from types;
-- moments 3
select make_time(8, id, 23.5), make_timestamp(2013, 7, id, 8, 15, 23.5) from types;
-- moments 4
-- time zone: Europe/Paris
select make_timestamptz(2013, 7, id, 8, 15, 23.5), make_timestamptz(2013, 7, id, 8, 15, 23.5, 'Asia/Tokyo') from types;
-- moments 5
select justify_days(iv), justify_hours(iv), justify_interval(iv) from types;
-- moments 6
select isfinite(d), isfinite(ts), isfinite(iv) from types;
-- moments 7
select date_trunc('day', tz, 'Australia/Sydney') from types;
-- moments 8
select (ts, interval '1 day') overlaps (ts, interval '2 days') from types;
-- moments 9
select extract(julian from d), extract(isodow from ts), extract(epoch from iv) from types;
-- moments 10
select age(ts, timestamp '2000-06-15'), age(d, date '1990-01-01') from types;
-- moments 11
select iv * 1.5, iv / 2, -iv from types;
-- moments 12
select date_add(tz, interval '1 day', 'Europe/Warsaw'), date_subtract(tz, interval '1 day') from types;
-- moments 13
select timezone('Asia/Tokyo', ts), tz at time zone interval '-08:00' from types;
-- moments 14
select tm + interval '1 hour', tm - time '01:00', ts::time from types;
-- moments 15
select '10:00:00+02'::timetz, (tm || '+01')::timetz from types where id < 3;
-- floats from text 1
select (id || '.5')::float8, (id - 1)::text::float8, 'NaN'::text::float8, ('-Inf' || 'inity')::float8 from types;
-- floats from text 2
-- error: 22003
select ('1e40' || id)::float8 from types;
-- floats from text 3
-- error: 22003
select ('1e-40' || id)::float8 from types;
-- to_char with seconds of the day beside others
select id, to_char(ts, 'MS SSSS'), to_char(ts, 'DDDD'), to_char(ts, 'HH24MISSMS') from types;

-- an empty pattern
select to_char(ts, ''), to_char(d, ''), to_char(i4, ''), to_char(n, '') from types
-- patterns with percent signs
select to_char(ts, '%b%'), to_char(ts, '%b%'::text), to_char(ts, 'YYYY%d'), to_char(ts, '%Y-%m'), to_char(ts, v || '%b%d'), to_date('2024%7', '%b%'), to_date('2024%07', 'YYYY%MM'),
  to_timestamp('2024%7', 'YYYY"%d"') from types;
