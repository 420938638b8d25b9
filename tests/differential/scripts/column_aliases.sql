-- all columns of a common table expression
with c as (select id, i4 from types) select t.k, a from c as t (k, a);
-- fewer columns than a common table expression has
with c as (select id, i4, i8 from types) select t.k, t.i4, i8 from c as t (k);
-- fewer columns than one that is named has
with c (x, y) as (select id, i4, i8 from types) select t.k, t.y, i8 from c as t (k);
-- fewer columns of a star
with c as (select id, b, i2, i4 from types) select u.k, x, i4 from (select * from c) as u (k, x);
-- of an expression with a star
with c as (select * from pairs) select u.a, w from c as u (a);
-- twice, joined by a key of another name
with c as (select id, i4 from types) select u.k, t.k from c as t (k, a) join c as u (k, b) on t.a = u.k;
-- the whole row
with c as (select id, i4, i8 from types) select t from c as t (k);
-- in a subquery
with c as (select id, i4 from types) select a.id, (select max(k) from c as t (k) where t.i4 = a.id) from c as a;
-- keys of tables that were renamed
select k, x, w, a.i4 from types as a (k, x) join pairs as b (k, w) using (k);
-- natural join of renamed tables
select k, x, y from (select id, b from types) as a (k, x) natural join pairs as b (k, y);
-- a join with an alias
select j.c, j.l, j.w from (types as a join pairs as b on a.id = b.k) as j (c, l);
-- recursive
with recursive c as (select 1 as n union all select k + 1 from c as t (k) where k < 4) select k from c as t (k);
-- a subquery sorted by its place
-- ordered
select (select max(p.k) from pairs p where p.k = t.id) from types t order by 1;
-- where a row lies
-- refused: the system column ctid is not available on lake tables
select ctid from types;
-- of which table a row is
-- refused: the system column tableoid is not available on lake tables
select t.tableoid from types t;
