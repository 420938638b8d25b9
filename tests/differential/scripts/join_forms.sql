-- left join using merges the key from the left
select id, a.id, b.id, w from (select id, t from types) a left join (select k as id, w from pairs) b using (id);
-- right join using merges the key from the right
select id, a.id, b.id, w from (select id, t from types) a right join (select k as id, w from pairs) b using (id);
-- full join using merges both keys
select id, a.id, b.id, w from (select id, t from types) a full join (select k as id, w from pairs) b using (id);
-- full join using star
select * from (select id, t from types) a full join (select k as id, w from pairs) b using (id);
-- full join using in where
select id from (select id, t from types) a full join (select k as id, w from pairs) b using (id) where id > 4;
-- full join using in group by
select id, count(*) from (select id, t from types) a full join (select k as id, w from pairs) b using (id) group by id;
-- full join using in order by
-- ordered
select id from (select id from types) a full join (select k as id from pairs) b using (id) order by id nulls first;
-- right join using star
select * from (select id, t from types) a right join (select k as id, w from pairs) b using (id);
-- using with two columns
select * from (select k, w, q from pairs) a join (select k, w, 1 as one from pairs) b using (w, k);
-- using of three tables
select k, a.w, b.w, c.w from pairs a join pairs b using (k) join pairs c using (k);
-- using of three tables left
select k, a.w, b.w, c.w from pairs a left join (select k, w from pairs where k < 3) b using (k) left join (select k, w from pairs where k > 1) c using (k);
-- full using of three tables
select id, a.t, b.w, c.x from (select id, t from types where id < 4) a full join (select k as id, w from pairs) b using (id) full join (select i4 as id, v as x from types where i4 < 20) c using (id);
-- full using of three tables star
select * from (select id, t from types where id < 4) a full join (select k as id, w from pairs) b using (id) full join (select i4 as id, v as x from types where i4 < 20) c using (id);
-- using with different types
select k, a.x, b.y from (select i2 as k, t as x from types) a join (select i8 as k, v as y from types) b using (k);
-- left using with different types
select k, a.x, b.y from (select i2 as k, t as x from types) a left join (select i8 as k, v as y from types) b using (k);
-- full using with different types
select k, a.x, b.y from (select i2 as k, t as x from types) a full join (select n as k, v as y from types) b using (k);
-- natural left join
select * from (select k, w from pairs) a natural left join (select k, q from pairs where k > 1) b;
-- natural right join
select * from (select k, w from pairs where k > 1) a natural right join (select k, q from pairs) b;
-- natural full join
select * from (select k, w from pairs where k > 1) a natural full join (select k, q from pairs where k < 3) b;
-- natural join without common columns
select count(*) from (select k from pairs) a natural join (select r_regionkey from region) b;
-- natural join of three
select * from (select k, w from pairs) a natural join (select k, q from pairs) b natural join (select k from pairs where k > 1) c;
-- natural join with every column
select count(*) from nation a natural join nation b;
-- star of one side of using
select b.* from pairs a join pairs b using (k);
-- star of both sides of using
select a.*, b.* from (select k, w from pairs) a join (select k, q from pairs) b using (k);
-- using inside of parentheses
select x.k, a.w from (pairs a join (select k from pairs) b using (k)) as x, pairs a where a.k = x.k;
-- parenthesised join with alias
select j.n_name, j.r_name from (nation join region on n_regionkey = r_regionkey) as j where j.r_name = 'ASIA';
-- parenthesised join with alias and columns
select j.a, j.b from (pairs x cross join (select 1 as one) y) as j (a, b);
-- parenthesised joins on the right
select n_name, r_name, s_name from region left join (nation join supplier on s_nationkey = n_nationkey) on n_regionkey = r_regionkey where r_regionkey < 2;
-- three levels of parentheses
select count(*) from ((region join nation on n_regionkey = r_regionkey) join supplier on s_nationkey = n_nationkey) join customer on c_nationkey = n_nationkey;
-- full join on expression
select a.id, b.k from types a full join pairs b on a.id + 1 = b.k;
-- full join on inequality and equality
select a.id, b.k from types a full join pairs b on a.id = b.k and a.id > 1;
-- full join on true
select a.k, b.r_name from pairs a full join region b on true;
-- full join on false
select a.k, b.r_name from pairs a full join region b on false;
-- full join on false alike
select a.k, b.r_name from pairs a full join region b on 1 = 0;
-- left join on false
select a.k, b.r_name from pairs a left join region b on false;
-- left join on true
select a.k, b.r_name from pairs a left join region b on true;
-- right join on null
select a.k, b.r_name from pairs a right join region b on null;
-- inner join without equality
select a.k, b.k from pairs a inner join pairs b on a.k > b.k or a.w = b.w;
-- join on subquery condition
select a.k, b.id from pairs a join types b on b.id = (select max(k) from pairs where k < 4) and a.k = 1;
-- join on exists
select a.k, b.r_name from pairs a join region b on exists (select 1 from types t where t.id = a.k and t.id = b.r_regionkey);
-- left join on exists
select a.k, b.r_name from pairs a left join region b on b.r_regionkey = a.k and exists (select 1 from types t where t.id = b.r_regionkey);
-- join on in list
select a.k, b.r_name from pairs a join region b on b.r_regionkey in (a.k, a.k + 1);
-- join on between
select a.k, b.r_name from pairs a join region b on b.r_regionkey between a.k - 1 and a.k;
-- join on is not distinct from
select a.k, b.k from pairs a left join pairs b on a.k is not distinct from b.k;
-- left join on only left condition
select a.k, b.r_name from pairs a left join region b on a.k = 1;
-- left join on only right condition
select a.k, b.r_name from pairs a left join region b on b.r_regionkey = 1;
-- comma before join binds less
select a.k, b.k, c.r_name from pairs a, pairs b left join region c on c.r_regionkey = b.k where a.k = 1;
-- cross join then left join
select a.k, b.r_name, c.n_name from pairs a cross join region b left join nation c on c.n_nationkey = a.k + b.r_regionkey where a.k < 3;
-- left join null extended expression
select a.k, b.r_name || 'x', coalesce(b.r_name, 'none') from pairs a left join region b on b.r_regionkey = a.k;
-- left join then where on right is null
select a.id from types a left join pairs b on a.id = b.k where b.k is null;
-- left join of derived constant
select a.k, b.one from pairs a left join (select r_regionkey, 1 as one from region) b on b.r_regionkey = a.k;
-- full join of derived constants
select a.one, b.two, a.k, b.r from (select 1 as one, k from pairs) a full join (select 2 as two, r_regionkey as r from region) b on a.k = b.r;
-- left join of aggregate
select r_name, c.n from region left join (select n_regionkey, count(*) as n from nation where n_nationkey < 6 group by n_regionkey) c on c.n_regionkey = r_regionkey;
-- self join through using and aliases
select a.k, b.w from pairs as a (k, word, num) join pairs as b (k) using (k);
-- using over aliased columns
select key, x.w from pairs as x (key) join types as y (key) using (key);
-- table alias hides the table name
select p.k from pairs p where p.k in (select pairs.k from pairs);
-- schema qualified column
select public.pairs.k from public.pairs where public.pairs.k > 2;
-- schema qualified star
select public.pairs.* from public.pairs where pairs.k > 2;
-- join of values
select p.w, v.name from pairs p join (values (1, 'a'), (2, 'b')) as v (id, name) on v.id = p.k;
-- left join of values
select p.w, v.name from pairs p left join (values (1, 'a'), (null, 'b')) as v (id, name) on v.id = p.k;
-- only and asterisk
select count(*) from only pairs;
-- table with asterisk
select count(*) from pairs *;
-- quoted alias and mixed case
select "P"."k" as "Key", "P".w as KeyTwo from pairs as "P" where "P".k = 1;
-- join condition with or of nulls
select a.k, b.k from pairs a join pairs b on a.k = b.k or (a.k is null and b.k is null);
-- left join with cast key
select a.id, b.n_name from types a left join nation b on b.n_nationkey::text = a.id::text;
-- join on float and integer
select a.k, b.id from pairs a join types b on a.q = b.id;
-- join on numeric and integer
select a.id, b.id from types a join types b on a.n2 = b.id;
-- join on date and timestamp
select a.id, b.id from types a join types b on a.d = b.ts;
-- using and unqualified in subquery
select k, (select count(*) from types where id = k) from pairs a join (select k from pairs) b using (k);
-- full using unqualified in subquery
select id, (select count(*) from nation where n_nationkey = id) from (select id from types where id < 5) a full join (select k as id from pairs) b using (id);
-- using in window
select k, row_number() over (partition by k order by a.w, b.w) from pairs a join pairs b using (k);
-- using as argument of aggregate
select sum(k), count(k), max(a.w) from pairs a full join (select id as k from types) b using (k);
-- having over merged key
select k from pairs a join pairs b using (k) group by k having k > 1 and count(*) > 0;
-- distinct over merged key
select distinct k from pairs a join pairs b using (k);
-- null safe equality beside equality
select a.k, b.w from pairs a join pairs b on a.k is not distinct from b.k and a.w = b.w;
-- null safe equality beside equality of an outer join
select a.k, b.w from pairs a left join pairs b on a.k is not distinct from b.k and a.w = b.w;
-- null safe equality in where
select a.k, b.k from pairs a, pairs b where a.k is not distinct from b.k and a.w = b.w;
-- null safe equality of arrays
select a.id, b.id from types a join types b on a.ai is not distinct from b.ai and a.t = b.t;
-- null safe equality of different types
select a.id, b.id from types a join types b on a.i2 is not distinct from b.i8 and a.b = b.b;
-- conditions on columns of one name of both sides of a right join
select a.k, a.q, b.k, b.w, b.q from pairs a right join pairs b on a.k = b.k where b.w like '%' and (b.q < 2 or a.q is null or a.q > b.q);
-- conditions on columns of one name of both sides of a right join, from outside
select x.a, x.b from (select a.q as a, b.q as b, b.w from pairs a right join pairs b on a.k = b.k) x where x.w like '%' and (x.b < 2 or x.a is null or x.a > x.b);
-- conditions on columns of one name of both sides of a full join
select a.k, b.k, b.w from pairs a full join (select k + 1 as k, w, q from pairs) b on a.q = b.q where b.w like '%' and (b.k = 3 or a.k = 1);
-- conditions on columns of one name of both sides of a full join, from outside
select x.a, x.b from (select a.k as a, b.k as b, b.w from pairs a full join (select k + 1 as k, w, q from pairs) b on a.q = b.q) x where x.w like '%' and (x.b = 3 or x.a = 1);
-- right joins of several, behind a comma
select a.k, b.w, c.q, d.q from pairs a, pairs b join pairs c on c.k = b.k right join pairs d on d.k = c.k where a.k = 1 and d.w like '%' and (d.q < 1 or b.q > 1);
-- right joins in parentheses
select a.k, c.q, d.q from pairs a left join (pairs b join pairs c on c.k = b.k right join (pairs d right join pairs e on d.k = e.k) on d.q = c.q) on a.k = e.k where c.q is null or a.q = d.q;
-- right joins one after another
select a.k, b.w, c.q from pairs a right join pairs b on a.q = b.q right join pairs c on c.k = b.k and a.k = 1 where c.q < 1 or b.q is null;
-- not in beside a full join
select a.k from pairs a full join pairs d on a.k = d.k where a.q not in (select b.k from pairs b where b.w = 'one');
-- full join under is not distinct from
select a.id, b.k from types a full join pairs b on a.i2 = b.k where (a.i4 is not distinct from 10) and a.b;
-- full join under is distinct from, of both sides
select a.id, b.k from types a full join pairs b on a.i2 = b.k where (a.i4 is distinct from b.k) and b.w is not null;
-- alias of a table named anti
select k from pairs anti join region on k = r_regionkey;
-- alias of a table named semi
select semi.k from pairs semi left join region on semi.k = r_regionkey;
-- alias of a table named asof
select * from pairs asof join region on k = r_regionkey;
-- columns and tables named as joins of other dialects
select semi, anti from (select k as semi, w as anti from pairs) asof;

-- only a table in parentheses
select * from only (public.pairs) p, only types t where k = 2 and id = 1;

-- alias of USING column
select j.k from pairs p join (select 1 as k, 'x' as z) s using (k) as j;

-- alias of USING star
select j.*, p.w from pairs p join (select 1 as k, 'x' as z) s using (k) as j;

-- alias of USING row
select j from pairs p join (select 1 as k, 'one' as w, 'x' as z) s using (k, w) as j;

-- alias of USING columns
select j.k, j.w, z from pairs p join (select 1 as k, 'one' as w, 'x' as z) s using (k, w) as j;

-- alias of USING and star of all
-- ordered
select * from pairs p join (select 1 as k, 'x' as z) s using (k) as j where j.k = 1 order by j.k, p.w;

-- alias of USING of a full join
select j.k, count(*) from pairs p full join (values (1), (9)) s(k) using (k) as j group by j.k having j.k > 0;

-- alias of USING of a left join
select j.k, j from pairs p left join (values (1::bigint), (9)) s(k) using (k) as j;

-- alias of USING of a right join
select j.k, j from pairs p right join (values (1::bigint), (9)) s(k) using (k) as j;

-- alias of USING in a subquery
select j.k, (select max(q) from pairs x where x.k = j.k) from pairs p join (values (1), (2)) s(k) using (k) as j;

-- alias of USING of a quoted name
select j."K" from (select 1 as "K", 2 as b) p join (select 1 as "K") s using ("K") as j, pairs;

-- alias of USING as json
select to_json(j), row_to_json(j), (j).k, j.k from pairs a join pairs b using (k, w) as j;

-- alias of USING star twice
select j.*, j.* from pairs a join pairs b using (k, w) as j;

-- alias of USING in DISTINCT
select distinct j.k as kk from pairs a join pairs b using (k) as j order by kk;

-- alias of USING in groups
select j.k + 1 as x, count(*) from pairs a join pairs b using (k) as j group by j.k + 1 order by 1;

-- alias of USING that is quoted
select a.w, j.k from pairs a join pairs b using (k) as "J j" join pairs c using (k) as j where "J j".k = 1;

-- alias of USING of a WITH query
with t as (select * from pairs) select j.k, w from t join (select k from t) s using (k) as j;

-- alias of USING in parentheses
-- refused: this form of query
select jk.k from (pairs a join pairs b using (k) as jk) join pairs c on c.k = jk.k;
