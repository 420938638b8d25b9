-- inner join
select n_name, r_name from nation join region on n_regionkey = r_regionkey;
-- comma join with condition
select s_name, n_name from supplier, nation where s_nationkey = n_nationkey and n_name like 'A%';
-- left join keeps rows
select p.k, p.w, t.t from pairs p left join types t on p.k = t.id;
-- right join
select p.k, t.id, t.t from pairs p right join types t on p.k = t.id;
-- full join on
select p.k, t.id from pairs p full join types t on p.k = t.id;
-- full join using coalesces the key
select id, t.t, q.w from types t full join (select k as id, w from pairs) q using (id);
-- join using then unqualified column
select id, count(*) from types join (select k as id from pairs) q using (id) where id > 1 group by id;
-- select star of a join using
select * from (select id, t from types) a join (select k as id, w from pairs) b using (id);
-- left join using star
select * from (select id, t from types) a left join (select k as id, w from pairs) b using (id);
-- natural join
select * from (select k, w from pairs) a natural join (select k, q from pairs) b;
-- cross join
select count(*) from region cross join nation;
-- join on inequality
select a.k, b.k from pairs a join pairs b on a.k < b.k;
-- left join on inequality
select a.k, b.k from pairs a left join pairs b on a.k < b.k and b.w <> 'two';
-- join on expression
select a.id, b.id from types a join types b on a.i2 * 2.0 = b.i2 + b.i2 % 1 + b.i2 and a.id < b.id;
-- self join with null safe equality
select a.k, b.w from pairs a join pairs b on a.k is not distinct from b.k;
-- join condition on one side only
select a.id, b.id from types a left join types b on a.id = b.id and a.b;
-- three way join with aggregate
select r_name, count(*), sum(s_acctbal) from region join nation on r_regionkey = n_regionkey join supplier on s_nationkey = n_nationkey group by r_name;
-- nested join
select a.id, x.k from types a left join (pairs x join nation n on x.k = n.n_nationkey) on a.id = x.k;
-- duplicate output names
select a.id, b.id, a.id + b.id as id from types a join types b on a.id = b.id;
-- duplicate output names in a derived table
select q.x from (select id as x, i4, t, i4 from types) q;
-- table alias with fewer columns
select x.key, x.b from types as x(key) where x.key < 4;
-- table alias with fewer columns and star
select * from pairs as x(key, word);
-- derived table alias with fewer columns
select y.first, y.w from (select k, w from pairs) as y(first);
-- semi join by in
select n_name from nation where n_nationkey in (select s_nationkey from supplier);
-- anti join by not exists
select n_name from nation n where not exists (select 1 from supplier s where s.s_nationkey = n.n_nationkey);
-- full join where neither matches
select coalesce(a.k, -1) as a, coalesce(b.id, -1) as b from (select k from pairs where k > 100) a full join (select id from types where id > 11) b on a.k = b.id;
