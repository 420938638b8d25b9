-- numeric of too many digits
select '1e-400'::numeric = 0 from types;

-- shortest text
select f4::text, f8::text, f4, f8 from types;

-- float arithmetic
select f8 + 0.1, f8 * 3, f8 - f4, f8 / 3 from types;

-- real arithmetic stays real
select f4 + f4, f4 * f4, f4 / f4 from types where f4 between 0.1 and 100;

-- real and double
select f4 + f8, f4 = f8 from types where id < 4;

-- float division by zero
-- error: 22012
select f8 / 0 from types;

-- float overflow
-- error: 22003
select f8 * f8 * f8 * f8 from types;

-- real overflow
-- error: 22003
select f4 * 1e30::real from types;

-- infinity and nan
select 'Infinity'::float8, '-Infinity'::float8, 'NaN'::float8, 'inf'::real from types where id = 1;

-- nan equals nan
select q from pairs where q = 'NaN';

-- nan is largest
select q from pairs where q > 1e300;

-- nan sorts last
-- ordered
select q from pairs order by q;

-- nan sorts first descending
-- ordered
select q from pairs order by q desc;

-- infinity compares
select k, q > 3, q < 'Infinity', q = 'Infinity' from pairs;

-- aggregates with nan
select min(q), max(q), sum(q), avg(q) from pairs;

-- aggregates with infinity
select min(q), max(q), sum(q) from pairs where q <> 'NaN';

-- float to integer rounds to even
select 0.5::float8::int, 1.5::float8::int, 2.5::float8::int, (-0.5)::float8::int from types where id = 1;

-- float to integer overflow
-- error: 22003
select f8::int from types;

-- nan to integer
-- error: 22003
select q::int from pairs where q = 'NaN';

-- float to numeric
select f8::numeric, f4::numeric from types where abs(f8) < 1e9 and abs(f4) < 1e6;

-- float to numeric with scale
select f8::numeric(20, 2), f4::numeric(10, 1) from types where abs(f8) < 1e9 and abs(f4) < 1e6;

-- double to real
select f8::real from types where abs(f8) < 1e30;

-- double to real overflow
-- error: 22003
select f8::real from types;

-- real to double shows its digits
select f4::float8, 0.1::real::float8 from types;

-- float from text
select '1e10'::float8, ' 1.5 '::real, '-.5'::float8 from types where id = 1;

-- float from a bad text
-- error: 22P02
select '1,5'::float8 from types;

-- float text too large
-- error: 22003
select '1e400'::float8 from types;

-- float against numeric constant
select id from types where f8 = 0.1 or f4 = 1.5;

-- float against integer
select id from types where f8 >= 2 and f4 < 100;

-- float in list
select id from types where f8 in (1.5, 2.5, 0);

-- groups of floats
select f8 + 0, count(*) from types group by 1;

-- sum and avg of real
select sum(f4), avg(f4) from types where f4 < 1000;

-- sum and avg of double
select sum(f8), avg(f8) from types where f8 < 1e6;

-- round floats
select round(f8), trunc(f8), ceil(f8), floor(f8) from types where abs(f8) < 1e15;

-- round half to even
select round(0.5::float8), round(1.5::float8), round(2.5::float8), round(-1.5::float8) from types where id = 1;

-- functions of floats
-- approximate: 12
select sqrt(f8), exp(f8 / 100), ln(f8 + 1) from types where f8 between 0 and 10;

-- sqrt of negative
-- error: 2201F
select sqrt(f8) from types;

-- ln of negative
-- error: 2201E
select ln(f8) from types where f8 < 0;

-- float concatenation
select 'f=' || f8, f4 || '' from types;

-- negative zero
select -0.0::float8, 0 * (-1)::float8 from types where id = 1;

-- negative zero equals zero
select '-0'::float8 = 0, '-0'::float8::text from types where id = 1;

-- minimum with nulls
select min(f8), max(f8), min(f4), max(f4) from types;

-- float constants
select 1e0::float8, 1.0::float8, 100000000000000000000::float8, 1e15::float8, 1e-5::float8, 123456.789::real from types where id = 1;

-- power overflow
-- error: 22003
select power(10::float8, 400) from types;

-- greatest with nan
select greatest(q, 0), least(q, 0) from pairs;

-- distinct nan
select distinct q from pairs;

-- join on floats
select a.k, b.k from pairs as a join pairs as b on a.q = b.q;

-- case of float and integer
select case when b then f8 else 1 end, case when b then f4 else f8 end from types;

-- coalesce of float and numeric
select coalesce(f8, 1.5), coalesce(f4, 0), coalesce(f4, f8) from types;
-- trunc keeps the sign of zero
select trunc(f8 / 10), trunc(-f8), trunc(f4) from types where f8 < 1000;
-- zeros of either sign in lists
select id, v, v in (0, 5), v in (0, 5, 6, 7, 8, 9, 10, 11, 12), v not in (-0.0::float8, 1, 2, 3, 4, 5, 6), 0::float8 in (v, 7), '-0'::float8 not in ('0'::float8) from (select id, case when id < 3 then 0::float8 when id < 6 then '-0'::float8 else f8 end as v from types) t
-- zeros of either sign in windows
select id, v, rank() over (order by v), dense_rank() over (order by v desc), count(*) over (order by v), sum(id) over (partition by v), first_value(id) over (order by v, id) from (select id, case when id in (1, 4) then 0::float8 when id < 6 then '-0'::float8 else f8 end as v from types) t
-- zeros of either sign in windows of real
select id, v, rank() over (order by v), row_number() over (order by v, id desc) from (select id, case when id in (1, 4) then 0::real when id < 6 then '-0'::real else f4 end as v from types) t
-- zeros of either sign counted
select count(distinct v), count(distinct v) filter (where id < 5), sum(distinct v) from (select id, case when id in (1, 4) then 0::float8 when id < 6 then '-0'::float8 end as v from types) t
-- zeros of either sign counted in groups
select id % 2, count(distinct v), count(distinct r), count(*) from (select id, case when id in (1, 4) then 0::float8 when id < 6 then '-0'::float8 end as v, case when id in (1, 4) then 0::real when id < 6 then '-0'::real end as r from types) t group by 1
-- zeros of either sign in groups and sets
select count(*) from (select v from (select case when id in (1, 4) then 0::float8 when id < 6 then '-0'::float8 end as v from types) t group by v union select '-0'::float8) s

-- NaN has no sign
select k, q, -q, -q = 'NaN', -q > 1, q - q = 'NaN', greatest(-q, 1), least(q - q, 1), nullif(-q, 'NaN') from pairs;
-- NaN without a sign in joins, groups and sets
select a.w, b.w from pairs a join pairs b on a.q = -b.q or a.q - a.q = b.q;
-- ordered
-- NaN without a sign is the greatest
select w, -q as x, rank() over (order by -q) from pairs order by x, w;
-- NaN without a sign is one group
select x, count(*) from (select -q as x from pairs union all select q - q from pairs union all select q from pairs) s where x > 10 group by x;
-- NaN without a sign in sets and counts
select count(distinct x) from (select -q as x from pairs union select q * 0 from pairs) s;
-- NaN of sums of infinities
select sum(x) = 'NaN', avg(x) = 'NaN', stddev(x) = 'NaN', sum(x::real) = 'NaN' from (select 'infinity'::float8 * (k - 2) as x from pairs where k in (1, 3)) s;
-- NaN of sums of infinities that groups are kept by
select k from (select k, q from pairs union all select 7, '-infinity') s group by k having sum(q) > 10;
-- powers that are too small
-- error: 22003
select power(1e-200::float8 * id, 2) from types;
-- NaN as a power
select f8 ^ 'NaN'::float8, power(f8, 'NaN'), power('NaN', f8), f8 ^ 'Infinity' from types;
-- minus infinity to a power that is no whole number
-- error: 2201F
select '-infinity'::float8 ^ (id + 0.5) from types;
