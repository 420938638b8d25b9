-- order of subquery in json_agg
select json_agg(x) from (select n_name as x from nation order by n_name desc) s;
-- order of subquery in string_agg
select string_agg(x, ',') from (select n_name as x from nation order by n_name desc) s;
-- order of subquery by another column
select array_agg(x) from (select n_name as x from nation order by n_regionkey desc, n_nationkey) s;
-- order of subquery by an expression
select array_agg(x) from (select n_name as x from nation order by length(n_name) desc, right(n_name, 1), n_name) s;
-- order of subquery with limit
select array_agg(x) from (select n_name as x from nation order by n_nationkey desc limit 5 offset 2) s;
-- order of subquery in groups
select r, array_agg(x), jsonb_agg(x) from (select n_name as x, n_regionkey as r from nation order by n_name desc) s group by r;
-- order of subquery in whole rows
select json_agg(s) from (select n_name as x, n_regionkey as r from nation order by n_name desc) s;
-- order of subquery as PostgREST writes it
select coalesce(json_agg(t), '[]') from (select n_name, n_regionkey from nation where n_regionkey > 1 order by n_regionkey desc, n_name asc limit 7 offset 1) t;
-- order of subquery nulls first
select array_agg(k) from (select k from pairs order by k desc) s;
-- order of subquery nulls last
select array_agg(k) from (select k from pairs order by k desc nulls last) s;
-- order of subquery in objects
select json_object_agg(k, w) from (select k, w from pairs where k is not null order by k desc, w) s;
-- order of subquery and last key
select jsonb_object_agg(k, w) from (select k, w from pairs where k is not null order by k desc, w desc) s;
-- order of subquery with filter
select array_agg(x) filter (where x > 'F') from (select n_name as x from nation order by n_name desc) s;
-- order of subquery and of the aggregate
select array_agg(x order by x), min(x) from (select n_name as x from nation order by n_nationkey desc) s;
-- order of subquery two levels down
select array_agg(x) from (select x from (select n_name as x, n_regionkey as r from nation order by n_regionkey, n_name desc) a where r > 1) b;
-- order of grouped subquery
select array_agg(r) from (select n_regionkey as r from nation group by n_regionkey order by count(*) desc, n_regionkey desc) s;
-- order of grouped subquery by an output
select array_agg(r) from (select n_regionkey as r, count(*) as c from nation group by n_regionkey order by c desc, r desc) s;
-- order of subquery with distinct
select array_agg(r) from (select distinct n_regionkey as r from nation order by n_regionkey desc) s;
-- order of subquery with distinct on
select array_agg(x) from (select distinct on (n_regionkey) n_name as x from nation order by n_regionkey desc, n_name) s;
-- order of set operation
select array_agg(k) from (select k from pairs where k < 3 union all select r_regionkey from region order by 1 desc) s;
-- order of subquery with renamed columns
select array_agg(a) from (select n_name, n_regionkey from nation order by n_name desc) s (a, b);
-- order of WITH in aggregate
with s as (select n_name as x from nation order by n_name desc) select array_agg(x) from s;
-- order of WITH named twice
with s as (select n_name as x from nation order by n_name desc) select (select array_agg(x) from s), (select string_agg(x, '') from s where x < 'E') from region where r_regionkey = 0;
-- order of WITH and hidden column
with s as (select n_name as x from nation order by n_nationkey desc) select count(*) from s;
-- order of intervals
select array_agg(id) from (select id from types where iv is not null order by iv desc, id) s;
-- order of correlated subquery
select r_name, (select json_agg(x) from (select n_name as x from nation where n_regionkey = r_regionkey order by n_name desc) s) from region;
-- order of lateral subquery
select r_name, l.names from region left join lateral (select array_agg(x) as names from (select n_name as x from nation where n_regionkey = r_regionkey order by n_name desc) s) l on true;
-- order of having
select r from (select n_regionkey as r, n_name as x from nation order by n_name desc) s group by r having (array_agg(x))[1] > 'U';
-- order of no rows
select array_agg(x), json_agg(x) from (select n_name as x from nation where n_regionkey > 9 order by n_name desc) s;
-- wrapped query keeps its order
-- ordered
select * from (select n_name, n_regionkey from nation order by n_name desc) as virtual_table;
-- wrapped query with limit keeps its order
-- ordered
select * from (select n_name, n_regionkey from nation order by n_name desc) as virtual_table limit 10;
-- wrapped query with hidden column keeps its order
-- ordered
select x, upper(x) as u from (select n_name as x from nation order by n_nationkey desc) t where x > 'C' limit 5 offset 1;
-- query of WITH keeps its order
-- ordered
with final as (select n_name, n_regionkey from nation order by n_regionkey, n_name desc) select * from final limit 12;
-- limit in a subquery of an ordered query
select count(*), min(x) from (select x from (select n_name as x from nation order by n_nationkey desc) a limit 4) b;
-- rows of an ordered query are numbered
select row_number() over (), lag(x) over (), ntile(4) over (), x from (select n_name as x from nation order by n_nationkey desc) s;
-- rows of an ordered query and another order
-- ordered
select row_number() over (), x from (select n_name as x from nation order by n_nationkey desc) s order by x;
-- wrapped query with an order of its own
-- ordered
select x from (select n_name as x from nation order by n_nationkey desc) s order by x limit 5;
-- order by a subquery of a subquery
select array_agg(x) from (select n_name as x from nation order by (select r_name from region where r_regionkey = n_regionkey) desc, n_name) s;
-- subquery sorted by a column that is renamed
-- ordered
select a, b from (select n_name, n_regionkey from nation order by n_name desc limit 5) s (a, b);
-- set operation sorted by a column that is renamed
-- ordered
select a from (select n_name from nation union all select r_name from region order by n_name desc limit 5) s (a);

-- an offset of an ordered subquery below another order
select * from (select id from types order by id desc offset 6) x order by 1;

-- an offset of an ordered subquery below a window
select id, row_number() over (order by id) from (select id from types order by id desc offset 6) x;

-- an offset of an ordered set operation below another order
select * from (select id from types union all select id + 100 from types order by id desc offset 20) x order by 1;

-- distinct on in a subquery below another order
select * from (select distinct on (b) b, id from types order by b, id desc) x order by 2;
