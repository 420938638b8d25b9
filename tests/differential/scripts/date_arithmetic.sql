-- a date and an interval
select count(*), min(o_orderdate), max(o_orderdate) from orders
where o_orderdate >= date '1994-01-31' + interval '1 month' and o_orderdate < date '1996-02-29' - interval '1' year;

-- a date and hours
select count(*) from orders
where o_orderdate < date '1994-03-01' + interval '12 hours' and o_orderdate >= (date '1994-01-01' + interval '36 hours')::date
  and o_orderdate <> date '1994-02-01' + interval '24 hours';

-- dates and intervals in lists and ranges
select count(*) from orders
where o_orderdate in (date '1994-03-31' - interval '1 month', date '1994-01-01' + interval '1 week', '1995-01-01')
  or o_orderdate between date '1996-12-31' + interval '2 months' and timestamp '1997-03-01 12:00:00' + interval '12 hours'
  or o_orderdate in (date '1994-03-31' + interval '1 hour', date '1994-01-02' + interval '1 day');

-- a timestamp and intervals
select id from types where ts >= timestamp '2024-01-31 10:00:00' - interval '1 mon' and ts <> date '2024-02-28' + interval '1 day';

-- a timestamp and a time of day
select d::timestamp + tm, ts + tm, tz - tm, tm + ts, ts - tm from types;

-- months that end in an hour that the clock repeats or leaves out
-- time zone: America/New_York
select id, timestamptz '2021-01-03 01:30' - make_interval(months => 13 + id), timestamptz '2024-02-10 02:30' + make_interval(months => id), timestamptz '2023-11-05 01:30-05' + make_interval(months => id) from types;

-- months, then days, then time
-- time zone: Europe/Berlin
select id, timestamptz '2024-02-29 02:30' + make_interval(months => 1, days => id - 3, hours => id), timestamptz '2024-02-29 02:30' + make_interval(months => 1, days => 1),
  timestamptz '2024-04-30 02:30' - make_interval(months => 1, days => id - 2, secs => 0.5) from types;

-- intervals and the last days of months in a zone
-- time zone: America/New_York
select tz, tz + iv, tz - iv, iv + tz, tz + interval '1 mon', tz - interval '1 year 1 mon 1 day 01:00' from types;

-- a moment out of range in a zone
-- time zone: Asia/Kolkata
-- error: 22008
select tz + make_interval(years => 290000) + make_interval(years => 200000) from types;
-- as many days as there are
select interval '1 day' * i4, interval '1 mon' * i4 from types;
