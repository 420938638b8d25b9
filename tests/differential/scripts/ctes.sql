-- cte
with big as (select * from types where i4 > 5) select id, t from big;
-- cte with column names
with c(a, b) as (select id, t from types) select a, b from c where a < 4;
-- cte with fewer column names
with c(a) as (select id, t from types) select a, t from c where a < 4;
-- cte used twice
with c as (select n_regionkey as r, count(*) as n from nation group by 1) select a.r, a.n + b.n from c a join c b on a.r = b.r;
-- cte over cte
with a as (select id from types), b as (select id + 1 as id from a), c as (select count(*) as n from b) select n from c;
-- cte shadows a table
with nation as (select 1 as n_nationkey) select * from nation;
-- cte in a subquery
select id from types where id in (with c as (select k from pairs where k < 3) select k from c);
-- materialized
with c as materialized (select k from pairs) select count(*) from c;
-- recursive numbers
with recursive r(n) as (select 1 union all select n + 1 from r where n < 10) select n from r;
-- recursive with union distinct
with recursive r(n) as (select 1 union select n % 3 + 1 from r) select n from r;
-- recursive with text and level
with recursive r(path, level) as (select 'a'::text, 0 union all select path || 'b', level + 1 from r where level < 4) select path, level from r;
-- recursive factorial
with recursive f(n, value) as (select 1::bigint, 1::bigint union all select n + 1, value * (n + 1) from f where n < 10) select n, value from f;
-- recursive over a table
with recursive up(k) as (select min(k) from pairs union all select p.k from pairs p join up on p.k = up.k + 1) select k from up;
-- values as cte
with v(a, b) as (values (1, 'x'), (2, null), (null, 'z')) select * from v;
