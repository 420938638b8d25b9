-- ranks
select id, row_number() over (order by i2, id), rank() over (order by i2), dense_rank() over (order by i2) from types;
-- ranks descending with nulls
select id, row_number() over (order by i4 desc, id), rank() over (order by i4 desc nulls last) from types;
-- partition
select n_name, rank() over (partition by n_regionkey order by n_name) from nation;
-- percent_rank and cume_dist
select id, percent_rank() over (order by i2), cume_dist() over (order by i2) from types;
-- ntile
select id, ntile(4) over (order by id), ntile(5) over (order by id desc) from types;
-- lag and lead
select id, lag(t) over (order by id), lead(t) over (order by id), lag(i4, 2) over (order by id), lead(i4, 2, -1) over (order by id) from types;
-- lag default
select id, lag(n, 1, 0.5) over (order by id), lag(t, 1, 'none') over (order by id) from types;
-- first last nth
select id, first_value(t) over (order by id), last_value(t) over (order by id), nth_value(t, 2) over (order by id) from types;
-- last_value with full frame
select id, last_value(t) over (order by id rows between unbounded preceding and unbounded following) from types;
-- running sum
select id, sum(i2) over (order by id), count(*) over (order by id), count(i2) over (order by id) from types;
-- running sum with peers
select k, w, sum(k) over (order by k) from pairs;
-- sum of bigint window
select id, sum(i8) over (partition by b order by id) from types;
-- moving average
select id, avg(n2) over (order by id rows between 1 preceding and 1 following) from types;
-- moving average of integers
select id, avg(i2) over (order by id rows 2 preceding) from types;
-- rows frame
select id, sum(id) over (order by id rows between 2 preceding and current row), sum(id) over (order by id rows between current row and 2 following) from types;
-- range frame
select id, count(*) over (order by id range between 1 preceding and 1 following) from types;
-- groups frame
select id, i2, sum(id) over (order by i2 groups between 1 preceding and current row) from types where i2 is not null;
-- range of an interval
select o_orderkey, count(*) over (order by o_orderdate range between interval '7 days' preceding and current row) from orders where o_orderdate < date '1992-03-01';
-- named window
select id, sum(i2) over w, count(*) over w, max(t) over (w rows between unbounded preceding and current row) from types window w as (partition by b order by id);
-- window with filter
select id, count(*) filter (where b) over (order by id), sum(i2) filter (where i2 > 0) over () from types;
-- window over aggregate
select n_regionkey, count(*), rank() over (order by count(*) desc, n_regionkey), sum(count(*)) over () from nation group by n_regionkey;
-- share of total
select s_nationkey, sum(s_acctbal), sum(s_acctbal) / sum(sum(s_acctbal)) over () from supplier group by s_nationkey;
-- window in order by
-- ordered
select n_name from nation order by row_number() over (order by n_name desc);
-- top of each group
select * from (select n_regionkey, n_name, row_number() over (partition by n_regionkey order by n_name) as place from nation) q where place <= 2;
-- arithmetic on ranks
select id, row_number() over (order by id) - rank() over (order by id) + 1, ntile(3) over (order by id) / 2 from types;
-- exclude
select id, sum(id) over (order by id rows between 1 preceding and 1 following exclude current row) from types;
-- stddev window
select id, stddev(i2) over (order by id) from types;
-- avg over partition
select id, avg(n) over (partition by b), n - avg(n) over (partition by b) from types;
