-- bigints added
select a.id, b.id, a.i8 + b.i8 from types a, types b where a.id <> b.id or abs(a.i8) < 1000;
-- bigints subtracted
select a.id, b.id, a.i8 - b.i8 from types a, types b where (a.i8 > 0) = (b.i8 > 0);
-- bigints multiplied
select a.id, b.id, a.i8 * b.i8 from types a, types b where abs(a.i8) < 1000 and abs(b.i8) < 1000;
-- bigint with integers
select id, i8 + i4, i4 - i8, i8 * 1, -i8, i8 + i2, i8 - 1 from types where id <> 6;
-- least bigint
select id, -9223372036854775807 - i8 / i8, -(9223372036854775807 + i8 - i8) from types where id in (2, 7) and i8 < 0;
-- bigint overflow of a sum
-- error: 22003
select i8 + i8 from types;
-- bigint overflow of a difference
-- error: 22003
select -2 - i8 - i8 from types;
-- bigint overflow of a product
-- error: 22003
select i8 * 4 from types;
-- no overflow of rows that are left out
select id, i8 * 4 from types where i8 < 1000 and i8 > -1000;
-- quotients of short numerics
select l_orderkey, l_linenumber, l_extendedprice / l_quantity, l_tax / l_extendedprice, l_discount / 0.07, -l_discount / 3
from lineitem where l_orderkey < 300;
-- quotients of short numerics and integers
select id, n2 / i2, i4 / n2, n2 / 7, 7 / n2, n2 / 10.0, i2 / n2, n2 / n2 from types where i2 <> 0 and n2 <> 0;
-- quotients of short numerics computed with
select l_orderkey, l_linenumber, round(l_extendedprice / l_quantity, 2), l_extendedprice / l_quantity * 2,
  (l_extendedprice / l_quantity)::numeric(12,3), l_extendedprice / l_quantity + l_tax, (l_tax / 3)::text
from lineitem where l_orderkey < 100;
-- quotients of short numerics compared
select count(*) from lineitem where l_extendedprice / l_quantity > 1500.5 and l_tax / 3 < l_discount / 4;
-- quotients of short numerics added up
select l_returnflag, sum(l_extendedprice / l_quantity), min(l_tax / 7), max(-l_tax / 7), count(distinct l_tax / 7)
from lineitem group by l_returnflag;
-- zero by a short numeric
select id, (n2 - n2) / n2, 0 / n2, 0.000 / n2 from types where n2 <> 0;
-- short numeric divided by zero
-- error: 22012
select l_extendedprice / l_tax from lineitem;
-- null divided by zero
select id, n2 / (n2 - n2) from types where n2 is null;
-- floats as numerics of a known scale
select id, f8::numeric(20,4), f8::numeric(14,1), f8::numeric(12,0), (f8 / 3)::numeric(30,9), (f8 * 10.005)::numeric(20,2)
from types where abs(f8) < 1e10;
-- halves of floats as numerics
select id, (id + 0.5e0)::numeric(10,0), (id * -1.005e0)::numeric(10,2), (id * 0.145e0)::numeric(10,2),
  (id * 1.00005e0)::numeric(10,4), (id + 1027202109113.445e0)::numeric(20,1), (id + 1027202109113.445e0)::numeric
from types;
-- great floats as numerics of a known scale
select id, (f8 * 1e15)::numeric(38,4) from types where abs(f8) < 1e10;
-- a float beyond the numeric
-- error: 22003
select f8::numeric(10,2) from types where f8 < 1e10;
-- floats that overflow
-- error: 22003
select f8 * '1e300'::float8 from types;
-- floats that underflow
-- error: 22003
select (f8 / '1e200'::float8) / '1e200'::float8 from types where f8 < 1 and f8 > 0;
-- floats of signs computed with
select id, f8 + 1, f8 - f8, f8 * 2, f8 * f8, abs(f8) + f8, -f8, trunc(f8), round(f8), f8::real, f4 + f4, f4 * f4 from signs;
-- floats of signs computed with and compared
select id, f8 + 1 > 5, f8 * 2 = f8 + f8, f8 - 1 < f8 from signs;
-- floats of signs computed with and grouped
select f8 + f4, count(*) from signs group by f8 + f4;
-- zeros of floats cut and rounded
select id, trunc(f8), round(f8), trunc(-0.5e0 * id / id), round(-0.4e0 * id / id), trunc(f8 / 10)::text from types where f8 < 1e20;
-- percentile_disc of each type
select percentile_disc(0.5) within group (order by i2), percentile_disc(0.5) within group (order by i4),
  percentile_disc(0.5) within group (order by i8), percentile_disc(0.5) within group (order by f4),
  percentile_disc(0.5) within group (order by f8), percentile_disc(0.5) within group (order by d),
  percentile_disc(0.5) within group (order by ts), percentile_disc(0.5) within group (order by n) from types;
-- percentile_disc at the ends
select i2 % 3, percentile_disc(0) within group (order by i4), percentile_disc(1) within group (order by i4),
  percentile_disc(0.34) within group (order by i4 desc), percentile_disc(null) within group (order by i4),
  percentile_disc(array[0, 0.5, 1]) within group (order by f8 desc) from types group by i2 % 3;
-- percentile_disc of signs
select percentile_disc(array[0, 0.2, 0.4, 0.6, 0.8, 1]) within group (order by f8 + 0),
  percentile_disc(1) within group (order by f4) from signs where f8 <> 0;
-- percentile_disc beyond one
-- error: 22003
select percentile_disc(1.5) within group (order by i4) from types;
-- mode of each type
select mode() within group (order by i2), mode() within group (order by i4), mode() within group (order by i8),
  mode() within group (order by f4), mode() within group (order by f8), mode() within group (order by d),
  mode() within group (order by ts), mode() within group (order by n) from types;
-- mode of many groups
select l_suppkey, mode() within group (order by l_linenumber), mode() within group (order by l_shipdate),
  mode() within group (order by l_quantity), percentile_disc(0.3) within group (order by l_shipdate),
  percentile_cont(0.3) within group (order by l_linenumber), mode() within group (order by l_linenumber) filter (where l_tax > 0.07)
from lineitem group by l_suppkey;
-- mode of NaN
select mode() within group (order by f8), count(*) from signs where f8 <> 0 and f8 <> 1;
-- ages
select a.id, b.id, age(a.ts, b.ts), age(a.d, b.d), a.ts - b.ts, a.tz - b.tz, age(a.ts) - age(a.ts) from types a, types b;
-- ages of ends of months
select o_orderkey, age(o_orderdate, date '1996-02-29'), age(date '1996-02-29', o_orderdate), age(o_orderdate, date '1995-03-31')
from orders where o_orderkey < 4000;
-- fields of intervals
select id, extract(year from iv), extract(month from iv), extract(day from iv), extract(hour from iv), extract(minute from iv),
  extract(second from iv), extract(epoch from iv), extract(quarter from iv), extract(decade from iv), extract(century from iv),
  extract(millisecond from iv), extract(microsecond from iv) from types;
-- fields of negative intervals
select id, extract(year from -iv * 20), extract(month from -iv * 20), extract(hour from -iv * 20), extract(minute from -iv * 20),
  extract(second from -iv), extract(decade from -iv * 100), extract(century from -iv * 1000), extract(millisecond from -iv) from types;
-- long intervals compared
select id, iv < interval '178000 years', iv > interval '-2000000000 days', iv * 1000 < interval '100 years' from types;
-- seconds of timestamps
select id, extract(epoch from ts), extract(epoch from tz), extract(epoch from ts) / 60 from types;
-- dates and days
select id, d + i2, d - i2, d + id from types where i2 < 1000 and i2 > -1000;
-- dates beyond the calendar
-- error: 22008
select d + i4 from types;
-- moments in UTC
select id, tz::date, tz::timestamp, extract(year from tz), date_trunc('day', tz), ts at time zone 'UTC', tz at time zone 'UTC', tz::time
from types;
-- buckets
select id, width_bucket(f8, 0, 10, 4), width_bucket(f8, 10, 0, 4), width_bucket(i4, -100, 100, 7) from types where abs(f8) < 1e300;
-- buckets of no width
-- error: 2201G
select width_bucket(f8, 1, 1, 4) from types;
-- floats with zeros
select id, f8 * '0'::float8, '0'::float8 * f8, -f8 * '0'::float8, f8 * (i4 % 2)::float8, '0'::float8 / f8, (i4 % 2)::float8 / f8 from types where abs(f8) between 1e-9 and 1e10;
-- floats that underflow beside zeros
-- error: 22003
select case when id % 2 = 0 then '0'::float8 else '1e-200'::float8 end * '1e-200'::float8 from types;
-- quotients that underflow beside zeros
-- error: 22003
select case when id % 2 = 0 then '0'::float8 else '1e-200'::float8 end / '1e200'::float8 from types;
