-- an argument is computed for the rows that filter leaves
select sum(i4 / i2) filter (where i2 <> 0), count(100 / i2) filter (where i2 <> 0), avg(1 / n) filter (where n <> 0) from types;

-- an argument of a filtered list
select array_agg(10 / i2 order by id) filter (where i2 > 0), string_agg((10 / i2)::text, ',' order by id) filter (where i2 > 0) from types;

-- a filtered distinct argument
select count(distinct 10 / i2) filter (where i2 <> 0), b from types group by b;

-- a filtered window
-- ordered
select id, sum(10 / i2) filter (where i2 <> 0) over (order by id) from types order by id;

-- variance of equal values is zero without digits
select var_pop(i4 - i4), stddev_pop(n - n), var_samp(7), stddev(2.50), variance(i2) from types where id in (5, 6, 9);

-- deviations of one row
select stddev_pop(n), var_pop(i4), stddev_samp(n), var_samp(i8) from types where id = 1;

-- deviations have the digits of the variance
select stddev(i4), stddev_pop(n2), variance(n), var_pop(i8), stddev(n) from types where i4 between -100 and 100;

-- an argument of every
select every(10 / i2 > 0) filter (where i2 <> 0), bool_or(10 / i2 > 5) filter (where i2 <> 0) from types;
-- averages of intervals
select avg(iv), avg(iv) filter (where id > 2), avg(age(ts, '2020-01-01')), avg(ts - '2020-01-01'), sum(iv) from types where id < 10
-- averages of intervals by group
select b, avg(iv), count(iv) from types group by b
-- averages of intervals as windows
select id, avg(iv) over (order by id rows between 1 preceding and current row) from types
-- averages of no intervals
select avg(iv) from types where false
-- deviations of distinct numbers
select stddev(distinct i4 / 100), variance(distinct n2), stddev_pop(distinct i2), var_pop(distinct f8), var_samp(distinct f4), stddev_samp(distinct i2) from types where id <> 5;
-- deviations of distinct numbers by groups
-- ordered
select b, stddev(distinct i2), var_pop(distinct n2) filter (where id > 2), variance(distinct i2) + 1 from types group by b order by b;
-- deviations of distinct numbers by grouping sets
select b, stddev(distinct i2), count(*) from types group by rollup (b);
-- deviations of no distinct numbers
select stddev(distinct i4), variance(distinct n), stddev_pop(distinct f8), var_pop(distinct i8) from types where id = 1 or id is null;
-- deviations of distinct numbers of no rows
select stddev(distinct i4), variance(distinct n), var_pop(distinct f8) from types where false;

-- any value of sorted rows
select any_value(k order by k desc), any_value(w order by k, w) from pairs;
-- any value of sorted rows by groups
select w, any_value(k order by k desc) as a, any_value(q order by k nulls first, q desc) filter (where k < 4) as b from pairs group by w;
-- any value of sorted rows that are NULL
select any_value(nullif(k, 7) order by k desc), any_value(nullif(k, k) order by k) from pairs;

-- of the one row of a count
select sum(n) filter (where n > 1), count(*) filter (where n > 100) from (select count(*) as n from types) s;
-- of one row of a constant
select sum(0) filter (where false) from (select '0'::int8 as c1 from types having true) s;
-- of named counts
with a as (select count(*) as n, max(id) as m from types), b as (select n + 1 as n from a) select count(*) filter (where n > 1), array_agg(n) filter (where n > 0) from b where n > 2 having count(*) filter (where n > 1) > 0;
-- of a count of a count
select count(*) filter (where c = 1) as n from (select count(n) filter (where n > 1) as c from (select count(*) as n from types where id > 2) s) t;
-- beside what is not filtered
select max(n) filter (where n > 1), count(*) from (select count(*) as n from types) s;
