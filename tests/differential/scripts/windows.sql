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
-- lag and lead by a column
-- ordered
select id, lag(i4, i2) over (order by id), lead(t, id % 3) over (order by id), lag(n, id % 4) over (partition by b order by id) from types where i2 is null or i2 < 100 order by id;
-- lag and lead by a column with a default
-- ordered
select id, lag(i4, i2, 99) over (order by id), lead(t, id % 3, 'x') over (partition by b order by id), lag(d, i2, '1999-01-01') over (order by id), lead(f8, 1, f8) over (order by id) from types order by id;
-- lag by a column of every type
-- ordered
select id, lag(b, i2) over w, lag(i2, i2) over w, lag(f4, i2) over w, lag(ts, i2) over w, lag(tz, i2) over w, lag(tm, i2) over w, lag(y, i2) over w, lag(iv, i2) over w, lag(u, i2) over w, lag(n / 3, i2) over w from types window w as (order by id) order by id;
-- lag by far, and by what is computed
-- ordered
select id, lag(i4, 2147483647 - 0 * id) over (order by id), lead(i4, -id) over (order by id), lag(i4, (select 2)) over (order by id), lag(i4, (random() * 0)::int) over (order by id) from types order by id;
-- lag by an aggregate
-- ordered
select i2, lag(sum(id), count(*)::int) over (order by i2), lag(max(id), min(id) % 3, count(*)::int) over (order by i2) from types group by i2 order by i2;
-- lag by a column of no rows
select lag(i4, i2) over (order by id) from types where false;
-- lag by a column in expressions
-- ordered
select id, lag(id, id % 3) over (order by id) + 1, coalesce(lead(id, id % 2) over (order by id), 0) from types order by id;
-- lag by a column, where a frame is said
-- ordered
select id, lag(i4, id % 3) over (order by id rows between 1 preceding and current row) from types order by id;
-- lag with a default of another type
-- ordered
select id, lag(i2, 20, 99999) over (order by id), lag(d, 1, ts) over (order by id), lag(d, 20, tz) over (order by id), lag(i4, 20, 1.5) over (order by id) from types order by id;
-- lag of an array by a column
-- refused: lag and lead of int[]
select lag(ai, id) over (order by id) from types;
-- any value is the first of the frame
select id, any_value(i4) over (order by id rows between 1 preceding and 1 following),
  any_value(t) over (order by id rows between 2 following and 3 following),
  any_value(i4) over (order by id desc), any_value(i4) over (order by i2 range 5 preceding),
  any_value(t) over (order by id desc rows unbounded preceding),
  any_value(v) filter (where b) over (partition by i2 order by id) from types;
-- ntile of nothing
select id, ntile(null) over (order by id), ntile(null::int) over (order by id) + 1 from types;
-- ntile of each row
-- refused: ntile by a number that each row has of its own
select ntile(k) over (order by k) from pairs where k = 1;
-- nth_value of each row
-- refused: nth_value by a number that each row has of its own
select nth_value(w, k) over (order by k, w) from pairs where k > 0;
-- distinct rows of windows, of which some
select distinct id, r from (select id, row_number() over (partition by id) r from types) x limit 30;
-- distinct rows of windows, some
select count(*) from (select distinct i4 from (select i4, rank() over (order by i4) from types) x limit 3) y;
-- nulls of two types of moments behind a join that finds nothing
-- differs: the engine takes NULL timestamps with and without a zone for one constant, and a CASE for one of two types
select count(*) over (partition by case when x.b then x.tz else s.c end), s.k from (select ts as k, '2024-03-31 02:30+02'::timestamptz as c from types) s right join types x on false;
-- one moment with and without a zone
select id, count(*) over (partition by case when b then tz else c end), k from (select id, b, tz, '2024-03-31 02:30'::timestamp as k, '2024-03-31 02:30+00'::timestamptz as c from types) s;
