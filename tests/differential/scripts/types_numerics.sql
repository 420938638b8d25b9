-- plus and minus keep the larger scale
select n + n2, n - n2, n2 - n from types;

-- times adds scales
select n * n2, n * 2, n2 * 0.5 from types;

-- division has sixteen digits
select n / n2, n2 / 3, 1 / n2 from types where n2 <> 0;

-- division of constants
select 1.0 / 3, 10 / 4.0, 2.00 / 3.0000, 1e10 / 7, 1 / 1e10, 0.0001 / 3 from types where id = 1;

-- division of large ones
select 123456789012345678 / 7.0, 99999999999.99 / 3 from types where id = 1;

-- remainder of numerics
select n % 2, n2 % 0.3, mod(n, 1.5) from types;

-- remainder by zero
-- error: 22012
select n % 0 from types;

-- division by zero
-- error: 22012
select n / 0 from types;

-- division by a column of zeros
-- error: 22012
select 1 / n from types;

-- scale of sums
select sum(n), sum(n2), sum(n * n2), sum(n + n2) from types;

-- scale of averages
select avg(n), avg(n2), avg(n * n2) from types;

-- averages of small numbers
select avg(0.0001 * id), avg(id * 1.5), avg(id + 0.25) from types;

-- averages by group
select b, avg(n), avg(i4), avg(n2) from types where abs(i4::bigint) < 1000 group by b;

-- average of nothing
select avg(n), sum(n), min(n), max(n), count(n) from types where id > 100;

-- negative zero
select -0.0, 0 * -1.5, round(-0.4) from types where id = 1;

-- trailing zeros stay
select 1.500, 2.50 + 1, 1.10 * 1.10, 5.0 - 5.00 from types where id = 1;

-- round half away from zero
select round(n), round(n2, 1), round(n, 2), round(n, -1), round(2.5), round(-2.5) from types;

-- rounded and cast to as many digits, to fewer and to more
select round(n)::numeric(10,2), round(n, 1)::numeric(10,2), (round(n))::numeric(9), round(n, 1)::numeric(9,0), round(n2)::numeric(20,4), round(n2, 1)::numeric(30,10), round(n, 3)::numeric(18,2) from types where abs(n) < 99999999;

-- rounded and cast to a digit before the point
select round(n)::numeric(1,0), round(n)::numeric(3,2), round(n)::numeric(2,2) from types where abs(n) < 0.5;

-- rounded and cast to digits that a value does not fit
-- error: 22003
select round(n)::numeric(10,2) from types;

-- trunc ceil floor
select trunc(n), trunc(n, 2), ceil(n), floor(n), trunc(n, -1), ceiling(n2) from types;

-- numeric to integers rounds
select n::int, n2::bigint, 2.5::int, -2.5::int, 3.5::int from types where abs(n) < 1000000;

-- numeric to int4 overflow
-- error: 22003
select (n2 * 1000)::int from types;

-- numeric to int2 overflow
-- error: 22003
select 32767.5::smallint from types;

-- numeric to int2 by rounding
select 32767.4::smallint from types where id = 1;

-- numeric typmod rounds
select n::numeric(20, 1), n::numeric(10), 1.005::numeric(5, 2), -1.005::numeric(5, 2) from types where abs(n) < 10000000;

-- numeric typmod overflow
-- error: 22003
select 12345.678::numeric(5, 2) from types;

-- numeric typmod of a column overflow
-- error: 22003
select n::numeric(5, 2) from types;

-- numeric without typmod keeps digits
select n::numeric, 1.50::numeric, '2.500'::numeric, id::numeric from types;

-- numeric from text
select '1e3'::numeric, '  -12.340 '::numeric, '.5'::numeric, '5.'::numeric from types where id = 1;

-- numeric from a bad text
-- error: 22P02
select '1.2.3'::numeric from types;

-- numeric against integer
select id from types where n > 2 and n <= 10;

-- numeric against float
select id from types where n = f8 or n2 > f4;

-- numeric equal to constants of other scale
select id from types where n = 1.5 or n = 2.50000 or n2 = 3;

-- numeric in list
select id from types where n in (1.5, 10, -2.25);

-- numeric groups by value
select n2 + 0.0, count(*) from types group by 1;

-- distinct numerics of two scales
select distinct x from (select n as x from types union all select n2 from types) as s;

-- numeric and float is float
select n + f8, n * f8, n2 - f4 from types where id in (1, 2, 3, 7);

-- abs and sign
select abs(n), sign(n), abs(-1.50) from types;

-- power of numeric
-- approximate: 12
select power(n2, 2), n2 ^ 2, 2.0 ^ 3, 1.5 ^ 2 from types where abs(n2) < 100;

-- sqrt of numeric
select sqrt(16.0), sqrt(2.0), sqrt(n2) from types where n2 > 0;

-- sqrt of negative numeric
-- error: 2201F
select sqrt(n) from types;

-- ln of zero
-- error: 2201E
select ln(n) from types where id = 3;

-- greatest of numerics
select greatest(n, n2), least(n, n2, 1.5) from types;

-- coalesce of numerics
select coalesce(n, n2, 0), coalesce(null, n2), coalesce(n, 1) from types;

-- nullif of numerics
select nullif(n, 1.5), nullif(n2, 3) from types;

-- case of numerics
select case when b then n else n2 end, case when b then n else 0 end from types;

-- sum distinct
select sum(distinct n), avg(distinct n2), count(distinct n) from types;

-- stddev and variance
-- approximate: 12
select stddev(n2), variance(id), var_pop(id), stddev_pop(id) from types where abs(n2) < 1000;

-- thirty eight digits
select 99999999999999999999999999999999999999 - 1 from types where id = 1;

-- product of nineteen digits
select 9999999999999999999 * 9999999999999999999 from types where id = 1;

-- sum of long numerics
select sum(99999999999999999999999999999999999.9) from types;

-- numeric to text
select n::text, n2::text, (n * n2)::text, 1.50::text from types;

-- concatenated numerics
select n || '', 'n=' || n2, concat(n, '/', n2) from types;

-- numeric order
-- ordered
select id, n from types order by n desc, id;

-- numeric order with nulls first
-- ordered
select id, n2 from types order by n2 nulls first, id;

-- window sums
select id, sum(n) over (order by id), avg(n2) over (order by id rows 2 preceding) from types;

-- numeric division in a group
select b, sum(n) / count(*), sum(i2) / count(*), round(sum(n) / count(n), 3) from types group by b;

-- nested quotients
select (n / 3) * 3, (n2 / 7) + n, n / 3 / 3 from types where abs(n) < 1000;

-- percent
select round(100.0 * id / 12, 2), 100 * id / 12, id * 100.0 / 7 from types;

-- negative exponent constant
select 1.5e-3, 1e3, 2.5E+2 from types where id = 1;

-- numeric and integer text
select '5' + 1, '2.5' * 2.0, '10' / 4 from types where id = 1;

-- unknown that is no integer
-- error: 22P02
select '2.5' + id from types;

-- to_number of sums
select (sum(n) * 100)::bigint, sum(n)::int from types;

-- random numeric casts
select (n * 100)::int % 7, (n2::int) % 5 from types where abs(n) < 1000 and abs(n2) < 1000;

-- mod of negative numerics
select mod(-7.5, 2), -7.5 % 2, mod(7.5, -2) from types where id = 1;

-- numeric between
select id from types where n between -3 and 2.5;

-- div of numerics
select div(7.5, 2), div(-7.5, 2), div(n, 2) from types;

-- numeric bigint mix
select i8 * 1.5, i8 + n, i8 / n2 from types where abs(i8) < 1000 and n2 <> 0;

-- products of many digits behind the point
-- ordered
select id, n::numeric(38,18) * n2::numeric(38,18), n::numeric(38,12) * i8, n::numeric(30,10) * n2::numeric(30,10) * 2 from types order by id;

-- products of many digits are summed, compared and rounded
select sum(n::numeric(38,18) * n2::numeric(38,18)), max(n::numeric(30,10) * n2::numeric(30,10)), round(sum(n::numeric(38,10) * n2::numeric(38,10)), 3), count(*) filter (where n::numeric(38,18) * n2::numeric(38,18) > 1000000) from types;

-- products of many digits as keys
-- ordered
select n::numeric(38,18) * n2::numeric(38,18) as p, count(*) from types group by 1 order by 1;

-- sums beyond 38 digits are no other numbers
-- differs: more than 38 digits are an error, 22003
select sum(x) from (select 99999999999999999999999999999999999999::numeric(38,0) as x from types) s

-- sums of groups and windows beyond 38 digits
-- differs: more than 38 digits are an error, 22003
select b, sum(x) from (select b, 9999999999999999999999999999999999999.5::numeric(38,1) as x from types) s group by b

-- averages of numerics whose sum has more than 38 digits
select avg(x) from (select 99999999999999999999999999999999999999::numeric(38,0) as x from types) s

-- sums of long numerics
select sum(x), sum(distinct x), sum(x) filter (where id > 2), sum(x * 2), sum(x) + 1, avg(x)
from (select id, 1234567890123456789012345678901234.5::numeric(38,1) * id as x from types) s

-- sums of long numerics in frames
select id, sum(x) over (order by id rows 2 preceding), avg(x) over (order by id) from (select id, 1234567890123456789012345678901234.5::numeric(38,1) as x from types) s

-- conditions on sums of long numerics
select b from (select b, 1234567890123456789012345678901234.5::numeric(38,1) as x from types) s group by b having sum(x) > 3

-- quotients that are too small for their digits
-- differs: sixteen digits end behind the 28th place, an error, 22003
select n / 3e20 from types

-- small quotients that end
select 5 / 1e13, 1 / 8e13, n2 / 1e12 from types where n2 = 0.25

-- logarithms of integers
select log(2, 8), log(10, id), log(2, id::bigint) from types

-- constants in hexadecimal and with underscores
select '0x1F'::int, '1_000'::int, '1_000'::numeric, '0b11'::bigint, ' 0o17 '::smallint, '-0x10'::int, i4 = '0xA', i8 in ('1_00', '3') from types

-- averages keep the digits of what they are of
select avg(x), avg(x) filter (where x > 5) from (select x::numeric as x from (values ('12345678901234567890.5'), ('1.25'), ('3')) v(x)) s;
-- quotients keep the digits of what is divided
select x / 3, x / y from (select x::numeric as x, y::numeric as y from (values ('12345678901234567890.5', '3.25'), ('1.25', '1.00000000000000000005')) v(x, y)) s;
