-- integer division
select 7 / 2, -7 / 2, 7 / -2, 7 % 3, -7 % 3, 7 % -3, mod(-7, 3);
-- integer division of columns
select id, i4 / 3, i4 % 3, i8 / 7, i2 / 2, i8 % 1000 from types;
-- division by zero
-- error: 22012
select i4 / 0 from types;
-- division by zero numeric
-- error: 22012
select n / 0 from types;
-- division by zero float
-- error: 22012
select f8 / 0 from types;
-- modulo zero
-- error: 22012
select i4 % (i4 - i4) from types;
-- numeric division
select 1.0 / 3, 10.0 / 4, 2 / 3.0, 1000000.0 / 7, 1 / 7.0, 0.001 / 3, 22.0 / 7, 0 / 5.0, 1e10 / 3;
-- numeric division of columns
select id, n / 3, n / n2, n2 / 7, i4 / n2 from types where n2 <> 0;
-- division then arithmetic
select id, n / 3 * 3, n / 3 + 1, round(n / 3, 2), (n / 3)::numeric(10,3), -n / 3, abs(n / 3) from types where id <> 5;
-- quotient of quotients
select id, (n / 3) / (n2 / 7), (n / 7) * (n2 / 3) * (n / 11) from types where n2 <> 0 and id <> 5;
-- quotient compared
select id from types where n / 3 > 0.5 and n2 / 3 < 2;
-- small quotients
select 0.00001 / 3, 1 / 123456.0, 1.0 / 987654321;
-- integer overflow int4
-- error: 22003
select i4 + 1 from types where i4 = 2147483647;
-- integer overflow int4 multiply
-- error: 22003
select i4 * 2 from types;
-- integer overflow int2
-- error: 22003
select i2 + i2 from types;
-- integer overflow int8
-- error: 22003
select i8 * 4 from types;
-- integer overflow int8 sum
-- error: 22003
select i8 + 9223372036854775807 from types;
-- negation overflow
-- error: 22003
select -i4 from types;
-- cast overflow
-- error: 22003
select i8::int from types;
-- int8 arithmetic
select id, i8 + 1, i8 - 1, i8 + i4, i8 - i8 from types;
-- mixed integers
select id, i2 + i4, i2 * 2, i4 + i8, i2 - i8 from types where id not in (5, 6);
-- numeric arithmetic
select id, n + n2, n - n2, n * n2, n % 3, n2 * 1.5, n + 1, 1 - n, n * 2 from types;
-- numeric literals
select 1.5, 1.50, 100, 12345678901, 123456789012345678901234567890, .5, 1e3, 1.5e-3, 0.000001;
-- literal arithmetic
select 1.5 + 2, 1.5 * 1.5, 3 - 0.25, 2.5 % 1, 7 - 10, 3 * 4, 2 + 2 * 3;
-- long product
select sum(l_extendedprice * (1 - l_discount) * (1 + l_tax) * l_quantity) from lineitem;
-- floats
select id, f8 + 1, f8 * 2, f8 / 4, f8 - f4, f4 * 2, f4 + i4, f8 * n from types where id <> 5;
-- float division
select f8 / 3, f4 / 3 from types where id < 4;
-- unary minus and plus
select -n, +n, - f8, -(-i2), - n2, -i4, -i8 from types where id <> 6;
-- abs and sign
select id, abs(i4), abs(n), abs(f8), sign(n), sign(f8), sign(i2) from types where id not in (6);
-- round numeric
select id, round(n), round(n, 1), round(n, 2), round(n2, -1), round(n2, 0) from types;
-- round numeric to as many digits as it has, more, and fewer
select id, round(n, 4), round(n, 6), round(n2, 2), round(n2, 1), round(n2 * 2, 1), round(n::numeric(12,3), 1), sum(round(n2, 0)) over () from types;
-- round half numeric
select round(0.5), round(1.5), round(2.5), round(-0.5), round(-1.5), round(2.345, 2), round(-2.345, 2), round(1234.5, -2);
-- round half float
select round(0.5::float8), round(1.5::float8), round(2.5::float8), round(-2.5::float8), round(f8) from types where id in (1, 2, 8, 9);
-- round integer
select round(7), ceil(7), floor(-7), trunc(7);
-- trunc
select id, trunc(n), trunc(n, 1), trunc(n, 2), trunc(f8), trunc(-1.999, 2) from types where id <> 5;
-- ceil and floor
select id, ceil(n), floor(n), ceiling(n2), ceil(f8), floor(f8) from types where id <> 5;
-- sqrt numeric
select sqrt(2.0), sqrt(n2), sqrt(16.0), |/ 2.0::float8 from types where n2 > 0;
-- sqrt float
select sqrt(2), sqrt(f8) from types where f8 >= 0 and id <> 5;
-- cbrt and pi
-- approximate: 14
select cbrt(27.0), cbrt(2::float8), pi(), degrees(1), radians(180);
-- degrees and radians of floats
select degrees(f8), radians(f8), degrees(id::float8 / 7), radians(id * 11.3::float8) from types where id <> 5 order by id;
-- degrees of the greatest float
-- error: 22003
select degrees(case when id > 0 then 1.7e308::float8 end) from types;
-- radians of the least float
-- error: 22003
select radians(case when id > 0 then 5e-324::float8 end) from types;
-- a quotient of floats beyond them
-- error: 22003
select 1e300::float8 / case when id > 0 then 1e-300::float8 end from types;
-- a quotient of floats below them
-- error: 22003
select 1e-300::float8 / case when id > 0 then 1e300::float8 end from types;
-- quotients of infinite floats
select 'infinity'::float8 / (id + 1)::float8, (id + 1)::float8 / 'infinity'::float8, 'nan'::float8 / id::float8 from types;
-- power numeric
select power(1.5, 2), 2.5 ^ 3, power(n2, 2), power(n2, 3) from types where n2 < 1000;
-- power float
-- approximate: 14
select power(2, 10), 2 ^ 0.5::float8, power(f8, 2) from types where id <> 5;
-- power numeric with fraction
-- approximate: 14
select power(2.0, 0.5), power(10.0, -2), 2 ^ 0.5;
-- exp and logarithms
-- approximate: 14
select exp(1.0), exp(1), ln(2.0), ln(10), log(100.0), log(2.0, 64.0), log(1000);
-- logarithm of zero
-- error: 2201E
select ln(n - n) from types;
-- trigonometry
-- approximate: 13
select sin(1), cos(1), tan(1), asin(0.5), acos(0.5), atan(1), atan2(1, 2), sinh(1), cosh(1), tanh(1), cot(1);
-- div and mod functions
select div(7, 2), div(-7, 2), div(7.5, 2), mod(7, 3), mod(7.5, 2), div(n, 2) from types where id < 4;
-- gcd and lcm
select gcd(12, 18), lcm(4, 6), gcd(i4, 5) from types where id in (1, 7, 9);
-- greatest and least
select id, greatest(i4, 5), least(i4, 5), greatest(n, n2, 1), greatest(null, i2), least(i2, null, 3) from types;
-- greatest of mixed numbers
select greatest(1, 2.5), least(1, 0.5), greatest(i4, n) from types where id <> 5;
-- bit operators
select 5 & 3, 5 | 3, 5 # 3, ~5, 1 << 4, 256 >> 2, i4 & 7, i4 | 1, ~i2 from types where id in (1, 2, 7);
-- width_bucket
select width_bucket(5.35, 0.024, 10.06, 5), width_bucket(-1, 0, 10, 5), width_bucket(11, 0, 10, 5), width_bucket(n2, 0, 10, 4) from types where n2 is not null and id <> 5;
-- to_hex
select to_hex(255), to_hex(-1), to_hex(i4) from types where id in (1, 2);
-- count arithmetic
select count(*) * 2, count(*) / 2, count(*) - count(i4), sum(i4) * 1.0 / count(*) from types where id not in (5, 6);
-- avg rounded
select round(avg(l_quantity), 2), round(avg(l_discount), 4) from lineitem;
-- numeric sum keeps scale
select sum(n), sum(n2), sum(n * n2), max(n) from types;
-- random is in range
select random() >= 0 and random() < 1;
-- integer and text constants
select '5' + 1, 10 - '3', i4 = '10', '2' * n from types where id = 1;
-- numeric precision beyond 38 digits
-- differs: numeric has no more than 76 digits, 28 of them after the point, in computations
select 123456789012345678901234567890.5 * 1234567890123456789012345678901234567890.25 * 1234567890123456789012345678901234567890.25;

-- digits of products and sums of quotients
select n2 / 3 * 2, n2 / 3 * 100, n2 / 3 + n2 / 7, (n2 / 3) / (n2 / 7), -(n2 / 3), abs(n2 / 7) - 1, (n2 / 3) % 0.1 from types where n2 <> 0;

-- digits of chained quotients
select n2 / 3 / 7, n2 / 3 / 7 / 11, i8::numeric / 7 * 7, 1.0 / 3 * 3 from types;

-- digits of averages that are computed with
select avg(n) + 1, avg(i4) - avg(n), avg(n) * 2, avg(i8) / 3, sum(n) / sum(i2) * 1.1, avg(n2 / 7), sum(n2 / 3), sum(n2 / 3) filter (where id > 3), sum(case when b then n2 / 3 else 0 end) from types where id not in (5, 6);

-- digits of averages in windows that are computed with
-- ordered
select id, avg(n2) over (order by id) * 2, avg(n2) over (partition by b) / 3 from types order by id;

-- digits of shares
select w, 100.0 * count(*) / sum(count(*)) over (), count(*) / sum(count(*)) over () * 100 from pairs group by w;

-- digits of a quotient or something else
select coalesce(n / nullif(i4, 0), 0), case when b then n / 3 else 0 end, case when i2 > 5 then n2 / 7 when i2 > 0 then 1.5 end from types where id not in (5, 6);

-- digits of a share of groups
select b, coalesce(sum(n2) / nullif(sum(i2) - sum(i2), 0), 0), case when count(*) = 0 then 0 else sum(n2) / count(*) end, round(coalesce(sum(n2) / nullif(sum(i2), 0), 0) * 100, 2) from types group by b;

-- digits of large quotients
select n * 1000000000000 / 3, (n2 * 100000000000000) / (n2 * 100000000000000), avg(n * 10000000000), variance(n * 100000000) from types where id not in (5, 6) group by id, n, n2;

-- text of a computed quotient
select (n2 / 3 * 100)::text, (n2 / 7 - 1)::text || '%' from types;

-- digits of a column to round to
select round(n, id - 1), trunc(n, -id), round(n * 2, id), round(i4, id) from types where id < 10;
-- roots bind less than sums
select |/ 4 + 5, ||/ 3 + 5, 2 * |/ 4 + 5, |/ |/ 16;
-- roots of numerics are floats
select id, |/ n, |/ n * 7 from types where n >= 0;
-- roots of a CASE and of a window
select id, |/ case when b then 4 else 9 end + 0, |/ sum(id) filter (where b) over (order by id) + 1 from types;
-- not binds less than sums
select id, ~ 4 + 5, 7 & ~ i4 + 1, i4 | ~ 1, ~ i2::bigint from types where i4 < 100;
-- a real and constants
select id, f4 = 0.1, f4 > 0.1, f4 <> 1.5, f4 = 1.5, f4 between 0.1 and 3.25, f4 in (0.1), f4 in (0.1, 1.5), f4 = 16777217, f4 is distinct from 0.1, nullif(f4, 0.1), case f4 when 0.1 then 'a' when 1.5 then 'b' end from types;
-- a tenth as real
select id, x, x = 0.1, x = 0.1::real, x > 0.1, x <= 0.1, x in (0.1), x in (0.1, 0.2), x not in (0.1), x = '0.1', x = 0.1::double precision, x between 0.1 and 0.2, nullif(x, 0.1), x = any (array[0.1, 0.2]), case x when 0.1 then 1 end from (select id, (f8 * 1)::real as x from types where id in (1, 7, 8)) s;
-- reals joined with numbers
select a.id, b.id from types a join types b on a.f4 = b.n;
-- reals joined with integers
select a.id, b.id from types a join types b on a.f4 = b.i4;
-- reals joined with double precision
select a.id, b.id from types a join types b on a.f4 = b.f8;
-- rows with reals
select id from types where (f4, id) < (1.5, 7) or (f4, i4) = (100.0, 5);
-- buckets of what is missing
select id, width_bucket(f8, 0.0, 10.0, i4), width_bucket(5.0::float8, 0, f8 + 100.5, 3) from types where i4 between 1 and 99 or i4 is null order by id;
-- logarithms to the base of 10
select log10('0.1'::float8), log10(0.001::float8), log10(0.01), log(10, 0.001), array[log10('0.1'::float8)] from types where id = 1;

-- digits set apart in decimals
select 1_500.25, 1.618_034, 1e1_0, 1_0e-2, 1_000, 0x1F, 1., 1.5e3, 5. from pairs where k = 2;

-- the last digit of small quotients
select 1.5 / 1711852200.000000, id / 1711852200.123456, -id / 1711852200.000000, 2 / (id * 300000000.000001) from types where id > 0;

-- buckets of nothing
select width_bucket(null::numeric, id, 10, 0), width_bucket(f8, null, 1, id - id), width_bucket(null::float8, id, id, 3), width_bucket(n, 0, 10, null) from types;
