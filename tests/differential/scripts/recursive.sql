-- recursive numbers
-- ordered
with recursive n (i) as (select 1 union all select i + 1 from n where i < 10) select i from n order by i;
-- recursive union removes duplicates
with recursive n (i) as (select 1 union select (i + 1) % 4 from n) select i from n;
-- recursive over a table
with recursive x as (select n_nationkey as k, n_name from nation where n_nationkey = 0 union all select n.n_nationkey, n.n_name from nation n join x on n.n_nationkey = x.k + 1 where n.n_nationkey < 5) select * from x;
-- recursive with depth and path
with recursive x (k, depth, path) as (select k, 0, w from pairs where k = 1 union all select p.k, x.depth + 1, x.path || '>' || p.w from pairs p join x on p.k = x.k + 1) select * from x;
-- recursive with text type
with recursive x as (select 'a'::text as s union all select s || 'b' from x where length(s) < 4) select s from x;
-- recursive with array path
with recursive x as (select 1 as n, array[1] as path union all select n + 1, path || (n + 1) from x where n < 4) select * from x;
-- recursive search depth first
-- ordered
with recursive x (k, up) as (select n_nationkey, n_regionkey from nation where n_nationkey = 0 union all select n.n_nationkey, n.n_regionkey from nation n join x on n.n_nationkey = x.k * 2 + 1 where n.n_nationkey < 16) search depth first by k set ordercol select k, up from x order by ordercol;
-- recursive search depth first with its column
-- ordered
with recursive x (k, up) as (select n_nationkey, n_regionkey from nation where n_nationkey = 0 union all select n.n_nationkey, n.n_regionkey from nation n join x on n.n_nationkey in (x.k * 2 + 1, x.k * 2 + 2) where n.n_nationkey < 24) search depth first by k set ordercol select * from x order by ordercol desc;
-- recursive search breadth first
-- ordered
with recursive x (k, up) as (select n_nationkey, n_regionkey from nation where n_nationkey = 0 union all select n.n_nationkey, n.n_regionkey from nation n join x on n.n_nationkey in (x.k * 2 + 1, x.k * 2 + 2) where n.n_nationkey < 16) search breadth first by k set ordercol select k, up from x order by ordercol;
-- recursive search breadth first by two columns
-- ordered
with recursive x (k, up) as (select n_nationkey, n_regionkey from nation where n_nationkey = 0 union all select n.n_nationkey, n.n_regionkey from nation n join x on n.n_nationkey in (x.k * 2 + 1, x.k * 2 + 2) where n.n_nationkey < 16) search breadth first by up, k set ordercol select k, up, ordercol as o from x order by o;
-- recursive search with join
-- ordered
with recursive x as (select 1 as k union all select k + 1 from x where k < 12) search depth first by k set o select k, r_name, o from x join region on r_regionkey = k order by 3 desc;
-- recursive search behind another query
-- ordered
with recursive n (i) as (select r_regionkey from region where r_regionkey = 1 union all select i + 1 from n where i < 3), x (k) as (select i from n union all select k + 10 from x where k < 40) search breadth first by k set o select k, o from x order by o;
-- recursive search by two columns
with recursive x as (select k, w from pairs where k = 1 union all select p.k, p.w from pairs p join x on p.k = x.k + 1) search depth first by k, w set o select k from x order by o;
-- recursive search sorted elsewhere
-- refused: use of "o", which SEARCH sets,
with recursive x as (select k, w from pairs where k = 1 union all select p.k, p.w from pairs p join x on p.k = x.k + 1) search depth first by k set o select k from (select k, o from x) s order by o;
-- recursive search and star beside others
-- refused: * of a query with SEARCH beside others
with recursive x as (select k, w from pairs where k = 1 union all select p.k, p.w from pairs p join x on p.k = x.k + 1) search depth first by k set o select * from x, region;
-- recursive cycle
with recursive x (k) as (select r_regionkey from region where r_regionkey = 0 union all select (x.k + 1) % 3 from x) cycle k set is_cycle using path select k, is_cycle, path from x;
-- recursive cycle with values
with recursive x (k) as (select r_regionkey from region where r_regionkey = 0 union all select (x.k + 1) % 3 from x) cycle k set is_cycle to 'Y' default 'N' using path select * from x;
-- recursive cycle with numbers as values
with recursive x (k) as (select k from pairs union select (x.k + 1) % 5 from x) cycle k set c to 1 default 0 using p select k, c, p from x;
-- recursive cycle of two columns
with recursive x (k, n) as (select r_regionkey, r_name from region where r_regionkey < 2 union all select (x.k + 1) % 3, x.n from x) cycle k, n set is_cycle using path select k, n, is_cycle, path, array_length(path, 1) as l from x where not is_cycle;
-- recursive cycle of nulls
with recursive x (k) as (select k from pairs where k is null union all select p.k from x join pairs p on p.k is null) cycle k set c using p select * from x;
-- recursive cycle in a subquery
select s.k, s.is_cycle from (with recursive x (k) as (select r_regionkey from region where r_regionkey = 0 union all select (x.k + 1) % 3 from x) cycle k set is_cycle using path select * from x) s;
-- recursive cycle and search
-- ordered
with recursive x (k, n) as (select r_regionkey, r_name from region where r_regionkey = 1 union all select (x.k + 1) % 4, x.n from x) search depth first by k set o cycle k set is_cycle using path select k, n, is_cycle, path, o from x order by o;
-- recursive cycle in aggregates
with recursive x (k) as (select r_regionkey from region where r_regionkey = 0 union all select (x.k + 1) % 3 from x) cycle k set is_cycle using path select count(*), max(k), bool_or(is_cycle) from x;
-- recursive query with a column named cycle
with recursive x (cycle, search) as (select r_regionkey, 1 from region where r_regionkey = 0 union all select cycle + 1, search from x where cycle < 3) select cycle, search from x;
-- recursive name used twice outside
with recursive n (i) as (select r_regionkey from region where r_regionkey = 1 union all select i + 1 from n where i < 3) select a.i, b.i from n a, n b;
-- recursive with other cte
with recursive lim as (select max(r_regionkey) as m from region), n (i) as (select 0 union all select i + 1 from n, lim where i < m) select i from n;
-- recursive limit outside
with recursive n (i) as (select 1 from region where r_regionkey = 1 union all select i + 1 from n) select i from n limit 3;
-- recursive keyword without recursion
with recursive x as (select k from pairs) select count(*) from x;
-- recursive with left join
with recursive x (k, w) as (select 1, 'one'::text union all select x.k + 1, p.w from x left join pairs p on p.k = x.k + 1 where x.k < 6) select * from x;
-- recursive in subquery
select (with recursive n (i) as (select r_regionkey from region where r_regionkey = 1 union all select i + 1 from n where i < 5) select sum(i) from n);
-- recursive with values
with recursive n (i) as (values (1) union all select i + 1 from n where i < 3) select i, k from n left join pairs on k = i;
-- recursive bigint
with recursive f (a, b) as (select 0::bigint, r_regionkey::bigint from region where r_regionkey = 1 union all select b, a + b from f where b < 100) select a from f;
-- cte materialized
with x as materialized (select k from pairs where k > 1) select count(*) from x;
-- cte not materialized
with x as not materialized (select k from pairs where k > 1) select a.k from x a join x b using (k);
-- cte with column names
with x (a, b) as (select k, w from pairs) select b, a from x;
-- cte with fewer column names
with x (a) as (select k, w from pairs) select a, w from x;
-- cte used twice
with x as (select k from pairs) select (select count(*) from x), (select max(k) from x);
-- cte refers to earlier
with a as (select k from pairs), b as (select k + 1 as k from a) select * from b;
-- cte hides table
with pairs as (select 1 as only) select * from pairs, region;
-- cte inner hides outer
with x as (select 1 as a from region) select * from (with x as (select 2 as a from region where r_regionkey = 1) select a from x) y;
-- cte in subquery in where
select k from pairs where k in (with x as (select 1 as i union all select 2) select i from x);
-- cte correlated in scalar subquery
select k, (with x as (select n_name from nation where n_nationkey = k) select max(n_name) from x) from pairs;
-- cte not used
with x as (select 1 / 0 as a from region) select count(*) from region;
-- cte of values
with x (i, s) as (values (1, 'a'), (2, 'b')) select p.w, x.s from pairs p join x on x.i = p.k;
-- cte of table
with x as (table region) select count(*) from x;
-- cte with order and limit
with x as (select n_name from nation order by n_name limit 3) select * from x;
-- cte of set operation
with x as (select k from pairs union select r_regionkey from region) select count(*), sum(k) from x;
-- cte of star join
with x as (select * from nation join region on n_regionkey = r_regionkey) select n_name, r_name from x where r_regionkey = 1;
-- cte with duplicate output names
with x as (select k, k from pairs) select count(*) from x;
-- cte in set operation
(with x as (select 1 as i from region) select i from x) union all select 2;
-- cte before set operation
with x as (select k from pairs) select k from x union select k + 10 from x;
-- recursive with values and all of its columns
-- ordered
with recursive r (a, b) as (values (1, 'a') union all select a + 1, b || 'x' from r where a < 3) select * from r order by 1;
-- search depth by several columns
-- ordered
with recursive x (k, w) as (select k, w from pairs where k = 1 union all select p.k, p.w from pairs p join x on p.k = x.k + 1) search depth first by k, w set ord select k, w from x order by ord;
-- search depth by date and text
-- ordered
with recursive w (id, name, d) as (select 0, r_name, date '2024-01-01' from region union all select w.id + 1, n_name, w.d - n_nationkey::int from nation join w on w.id = 0 and n_regionkey < 2 and w.name = 'ASIA' ) search depth first by d, name set ord select id, name, d from w order by ord desc;
-- numerics that come to further digits
-- refused: a numeric in WITH RECURSIVE that may come to further digits
with recursive t(n) as (select 1.0 from pairs where k = 2 union all select n * 1.1 from t where n < 2) select * from t;
-- quotients of numerics
-- refused: a numeric in WITH RECURSIVE that may come to further digits
with recursive t(n) as (select n2::numeric from types where id = 1 union all select n / 3 from t where n > 0.1) select * from t;
-- numerics that keep their digits
with recursive t(n, d) as (select n2, 1 from types where id < 4 union all select (n * 1.1)::numeric(10,2), d + 1 from t where d < 5) select * from t;
-- sums of numerics
with recursive t(n, d) as (select n::numeric, 1 from types where id < 4 union all select t.n + x.n, t.d + 1 from t join types x on x.id = t.d where t.d < 5) select * from t;
-- factorials
with recursive t(n, d) as (select 1::numeric, 1 from pairs where k = 2 union all select n * d, d + 1 from t where d < 20) select * from t;

-- one that names a later one
with recursive a as (select x + 1 as y from b), b as (select k as x from pairs where k < 3) select count(*), max(y) from a;
-- one that names a later one that names itself
with recursive a as (select n from c, pairs where k = n), c as (select 1 as n union all select n + 1 from c where n < 4) select count(*) from a;
-- numerics that grow
with recursive r(n, x) as (select 1 as n, 1.5 as x union all select n + 1, r.x + n from r where n < 8) select n, x, p.k from r join pairs p on p.k = n;
-- numerics that grow from a cast and a function
with recursive r(n, x, y) as (select 1 as n, 9::numeric, abs(-9.99) as y union all select n + 1, r.x * 15, y + x from r where n < 6) select n, x, y from r where exists (select 1 from pairs);
