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
