-- rows between preceding and following
select k, w, sum(k) over (order by w, q rows between 1 preceding and 1 following) from pairs;
-- rows unbounded preceding short
select k, w, sum(k) over (order by w, q rows unbounded preceding) from pairs;
-- rows current row short
select k, sum(k) over (order by w, q rows current row) from pairs;
-- rows n preceding short
select k, sum(k) over (order by w, q rows 2 preceding) from pairs;
-- rows following only
select k, sum(k) over (order by w, q rows between 1 following and 2 following) from pairs;
-- rows preceding only
select k, sum(k) over (order by w, q rows between 2 preceding and 1 preceding) from pairs;
-- rows unbounded following
select k, count(*) over (order by w, q rows between current row and unbounded following) from pairs;
-- range of integers
select k, sum(k) over (order by k range between 1 preceding and 1 following) from pairs;
-- range of integers descending
select k, sum(k) over (order by k desc range between 1 preceding and current row) from pairs;
-- range of numeric
select id, n2, sum(n2) over (order by n2 range between 1.5 preceding and 1.5 following) from types;
-- range of float
select q, count(*) over (order by q range between 1 preceding and 1 following) from pairs where q < 100;
-- range of dates
select id, d, count(*) over (order by d range between interval '1 month' preceding and interval '1 month' following) from types;
-- range of timestamps
select id, ts, count(*) over (order by ts range between interval '1 day' preceding and current row) from types;
-- range unbounded and current row
select k, sum(k) over (order by k range between unbounded preceding and current row) from pairs;
-- range current row and unbounded following
select k, sum(k) over (order by k range between current row and unbounded following) from pairs;
-- range with nulls first
select k, count(*) over (order by k nulls first range between 1 preceding and 1 following) from pairs;
-- range without order
select k, count(*) over (partition by k range between unbounded preceding and unbounded following) from pairs;
-- groups between
select k, sum(k) over (order by k groups between 1 preceding and 1 following) from pairs;
-- groups current row
select k, count(*) over (order by k groups current row) from pairs;
-- groups unbounded
select k, count(*) over (order by k groups between unbounded preceding and 1 preceding) from pairs;
-- groups with partition
select n_regionkey, n_name, count(*) over (partition by n_regionkey order by left(n_name, 1) groups between 1 preceding and current row) from nation;
-- exclude current row
select k, w, sum(k) over (order by w, q rows between unbounded preceding and unbounded following exclude current row) from pairs;
-- exclude current row running
select k, w, count(*) over (order by w, q rows between unbounded preceding and current row exclude current row) from pairs;
-- exclude group
select k, w, sum(k) over (order by k rows between unbounded preceding and unbounded following exclude group) from pairs;
-- exclude ties
select k, w, count(*) over (order by k rows between unbounded preceding and unbounded following exclude ties) from pairs;
-- exclude ties in groups
select k, w, count(*) over (order by k groups between 1 preceding and 1 following exclude ties) from pairs;
-- exclude no others
select k, w, count(*) over (order by w, q rows between 1 preceding and 1 following exclude no others) from pairs;
-- exclude current row with average
select id, i4, avg(i2) over (order by id rows between 1 preceding and 1 following exclude current row) from types;
-- exclude current row with partition
select n_name, n_regionkey, min(n_name) over (partition by n_regionkey order by n_name rows between unbounded preceding and unbounded following exclude current row) from nation;
-- exclude current row with array_agg
select k, array_agg(w) over (order by w, q rows between 1 preceding and 1 following exclude current row) from pairs;
-- exclude current row with first_value
select id, first_value(id) over (order by id rows between unbounded preceding and unbounded following exclude current row) from types;
-- named window
select k, sum(k) over win, count(*) over win from pairs window win as (order by w, q);
-- named window with frame
select k, sum(k) over win from pairs window win as (order by w, q rows 1 preceding);
-- named window extended
select k, sum(k) over (win order by w, q), count(*) over win from pairs window win as (partition by k);
-- named window extended by frame
select k, sum(q) over (win rows between 1 preceding and current row) from pairs window win as (order by w, q);
-- named window built on another
select k, sum(k) over two from pairs window one as (partition by k % 2), two as (one order by w, q);
-- window with filter
select k, count(*) filter (where k > 1) over (order by w, q) from pairs;
-- window filter and frame
select k, sum(k) filter (where w is not null) over (order by w, q rows 2 preceding) from pairs;
-- window over aggregate
select n_regionkey, sum(count(*)) over (order by n_regionkey) from nation group by n_regionkey;
-- window rank over aggregate
select n_regionkey, rank() over (order by sum(n_nationkey) desc) from nation group by n_regionkey;
-- window partition by expression
select k, count(*) over (partition by k is null) from pairs;
-- window in order by
select k, w from pairs order by row_number() over (order by k desc, w);
-- window in expression
select k, 1 + rank() over (order by k) * 2 from pairs;
-- window in case
select k, case when row_number() over (order by w, q) = 1 then 'first' else 'other' end from pairs;
-- ranks with ties
select k, rank() over (order by k), dense_rank() over (order by k), percent_rank() over (order by k), cume_dist() over (order by k) from pairs;
-- ranks without order
select k, rank() over (), dense_rank() over (), cume_dist() over () from pairs;
-- ntile
select n_nationkey, ntile(4) over (order by n_nationkey) from nation;
-- ntile more than rows
select k, ntile(20) over (order by k, w, q) from pairs;
-- lag and lead
select id, lag(i4) over (order by id), lead(i4) over (order by id) from types;
-- lag with offset and default
select id, lag(i4, 2, -1) over (order by id), lead(t, 3, 'none') over (order by id) from types;
-- lag with column offset
select id, lag(id, i2) over (order by id) from types where i2 between 0 and 10;
-- lag negative offset
select id, lag(id, -1) over (order by id) from types;
-- lag null offset
select id, lag(id, null) over (order by id) from types;
-- lead offset zero
select id, lead(id, 0) over (order by id) from types;
-- first last nth value
select id, first_value(t) over win, last_value(t) over win, nth_value(t, 2) over win from types window win as (order by id);
-- last_value with whole frame
select id, last_value(t) over (order by id rows between unbounded preceding and unbounded following) from types;
-- first_value of empty frame
select id, first_value(t) over (order by id rows between 3 preceding and 2 preceding) from types;
-- nth_value beyond
select id, nth_value(id, 100) over (order by id) from types;
-- aggregate of strings as window
select n_name, string_agg(n_name, ',') over (partition by n_regionkey order by n_name) from nation where n_regionkey < 2;
-- array_agg as window
select n_name, array_agg(n_nationkey) over (partition by n_regionkey order by n_name) from nation where n_regionkey < 2;
-- bool aggregates as window
select id, bool_and(b) over (order by id), bool_or(b) over (order by id), every(b) over (order by id) from types;
-- numeric average as window
select id, avg(n) over (order by id), sum(n) over (order by id) from types;
-- deviation as window
select id, stddev(i2) over (order by id), variance(i2) over (order by id rows 3 preceding) from types;
-- min max of text as window
select id, min(t) over (order by id), max(t) over (order by id rows 2 preceding) from types;
-- count distinct column over partition
select k, count(k) over (partition by w), count(*) over () from pairs;
-- window over join
select r_name, n_name, row_number() over (partition by r_name order by n_name) from region join nation on n_regionkey = r_regionkey;
-- window filtered outside
select * from (select n_name, n_regionkey, row_number() over (partition by n_regionkey order by n_name) as rn from nation) x where rn <= 2;
-- window in cte
with x as (select k, w, lag(w) over (order by k, w) as before from pairs) select * from x where before is distinct from w;
-- window with distinct
select distinct k, count(*) over (partition by k) from pairs;
-- window order by nulls first
select k, row_number() over (order by k nulls first, w, q) from pairs;
-- window order by desc nulls last
select k, row_number() over (order by k desc nulls last, w, q) from pairs;
-- window order by two and constant
select k, sum(1) over (order by k, w) from pairs;
-- window order by constant
select k, count(*) over (order by 1) from pairs;
-- window partition by two
select k, w, count(*) over (partition by k, w) from pairs;
-- frame with expression bounds
select id, sum(id) over (order by id rows between 1 + 1 preceding and 2 * 1 following) from types;
-- frame bound cast
select id, sum(id) over (order by id rows between '1' preceding and 1::bigint following) from types;
-- running total by sum of filter
select id, sum(i2) filter (where b) over (order by id) as total from types;
-- windows of several orders
select k, row_number() over (order by w, q), row_number() over (order by w desc, q desc), sum(k) over (partition by w) from pairs;
-- nested subquery in window
select k, sum((select count(*) from region where r_regionkey = k)) over (order by k) from pairs;
-- partition by subquery value
select x.k, x.m, count(*) over (partition by x.m) from (select k, (select max(r_name) from region where r_regionkey = k) as m from pairs) x;
-- floats leave the frame
select id, f8, sum(f8) over (order by id rows 1 preceding), avg(f8) over (order by id rows between 1 preceding and 1 following) from types;
-- nan leaves the frame
select w, q, sum(q) over (order by w, q rows 1 preceding), avg(q) over (order by w, q rows 1 preceding) from pairs;
-- deviations of floats in a moving frame
-- approximate: 12
select id, stddev(f4) over (order by id rows 2 preceding), var_pop(f4) over (order by id rows 2 preceding) from types where f4 < 1000;
-- filtered sum of floats in a moving frame
select id, sum(f8) filter (where i2 > 0) over (order by id rows 2 preceding) from types;
-- bool_and and bool_or of moving frames
-- ordered
select id, bool_or(b) over (order by id rows between current row and unbounded following), bool_and(b) over (order by id rows between 1 preceding and 1 following), every(b) over (partition by i2 order by id rows 1 preceding), bool_or(i4 > 5) filter (where b) over (order by id rows 2 preceding) and b from types order by id;
-- bool_or of moving frames that hold no rows
-- ordered
select id, bool_or(b) over (order by id rows between 2 following and 3 following), not bool_and(t is null) over (order by id rows between 3 preceding and 2 preceding) from types order by id;
-- bool_or of a moving range
-- ordered
select id, bool_or(b) over (partition by i2 order by id range between 1 preceding and current row) from types order by id;
-- bit_and, bit_or and bit_xor of moving frames
-- ordered
select id, bit_or(i4) over (order by id rows between 1 preceding and 1 following), bit_and(i8) over (order by id rows between 1 preceding and 1 following), bit_xor(i2) over (order by id rows between 1 preceding and 1 following), bit_or(i2) filter (where b) over (order by id rows 1 preceding) | 1 from types order by id;
-- string_agg of moving frames
-- ordered
select id, string_agg(t, ',') over (order by id rows between 1 preceding and 1 following), string_agg(t, v) over (order by id rows 1 preceding), string_agg(t, '+') over (order by id), string_agg(y, '\x00'::bytea) over (order by id rows 1 preceding) from types order by id;
-- string_agg of moving frames with a filter
-- ordered
select id, string_agg(t, ',') filter (where b) over (order by id rows between 1 preceding and 1 following), string_agg(t, v) filter (where b) over (order by id) from types order by id;
-- json_agg of moving frames
-- ordered
select id, jsonb_agg(i4) over (order by id rows between 1 preceding and 1 following), json_agg(t) filter (where b) over (order by id rows 1 preceding), json_object_agg(id, t) over (order by id rows between 1 preceding and 1 following) from types order by id;
-- floats of moving frames with a filter
-- ordered
select id, sum(f4) filter (where b) over (order by id rows 1 preceding), avg(i2::float8) filter (where b) over (order by id rows 1 preceding) from types where f4 is null or f4 < 1000 order by id;

-- range of a cast number
select k, count(*) over (order by k range between 2::int8 preceding and current row) from pairs;
-- range of a cast number both ways
select k, count(*) over (order by k range between (1::bigint) preceding and cast(2 as integer) following) from pairs;
