-- exists of the right side
select a.id, b.id as o from types a left join types b on a.id = b.i4 and exists (select 1 from pairs c where c.k = b.id);
-- exists of the left side
select a.id, b.id as o from types a left join types b on a.i2 = b.i4 and exists (select 1 from pairs c where c.k = a.id);
-- exists of both sides
select a.id, b.id as o from types a left join types b on a.i2 = b.i4
  and exists (select 1 from types c where c.id = a.id and c.i4 = b.i4);
-- not exists of a side that may be absent
select a.id, b.id as o, c.id as p from types a left join types b on a.id = b.i4
  left join types c on c.id = a.id and not exists (select 1 from types d where d.id = b.id);
-- a value of both sides, one of which may be absent
select a.id, b.id as o, c.id as p from types a left join types b on a.id = b.i4
  left join types c on c.id = a.id and b.i4 > (select count(*) from pairs d where d.k <= a.id and d.k < c.i2);
-- right join, a value of the right side
select a.id, b.id as o from types a right join types b on a.id = b.i4
  and a.i2 > (select avg(c.k) from pairs c where c.k <= b.id);
-- right join, of both sides
select a.id, b.id as o from types a right join types b on a.i4 = b.i4
  and exists (select 1 from pairs d where d.k = a.id and d.q > b.id);
-- full join, of one side
select a.id, b.id as o from types a full join types b on a.id = b.i4 and b.i2 > (select avg(c.k) from pairs c where c.k <= b.id);
-- full join, of both sides
-- refused: this subquery in the condition of an outer join
select a.id, b.id as o from types a full join types b on a.id = b.i4 and exists (select 1 from pairs c where c.k = b.id and c.k < a.id);
-- a value in an equality
select a.id, b.id as o from types a left join types b on b.id = (select max(c.k) from pairs c where c.k = a.id);
-- not in of the other side
select a.id, b.id as o from types a left join types b on a.i4 not in (select c.k from pairs c where c.k = b.i4);
-- under or
select a.id, b.id as o from types a left join types b on a.i2 = b.i2
  and (a.b or b.id in (select d.k from pairs d where d.k > a.id));
-- not in of a constant
select a.id, b.id as o from types a left join types b on a.i2 = b.i2 and 5 not in (select d.k from pairs d where d.k is not null);
-- two subqueries
select a.id, b.id as o from types a left join types b on a.i2 = b.i2 and a.id in (select d.k from pairs d where d.k <> a.i2)
  and exists (select 1 from types e where e.id = b.id + 1 and e.b);
-- two values of two sides
select a.id, b.id as o from types a left join types b on a.i2 = b.i2
  and (select max(d.k) from pairs d where d.k < a.id) < (select max(d.k) from pairs d where d.k < b.id);
-- of a derived table
select a.id, b.id as o, b.x from types a left join (select id, i2 + 1 as x from types where i2 < 1000) b
  on a.id = b.id and b.x = any (select d.i2 from types d where d.id > b.id);
-- in a correlated subquery
select a.id, (select count(b.id) from types c left join types b on b.id = c.id
  and exists (select 1 from types d where d.i4 = b.i4 and d.id <> b.id) where c.id <= a.id) from types a;
-- beside groups
select a.b, count(*), sum(b.id) from types a left join types b on a.i2 = b.i2
  and exists (select 1 from types d where d.id = b.id and d.b) group by a.b;
-- none of no elements, of missing rows
select p.k, a.id from pairs p full join types a on p.k = a.id where a.t <> all ('{}'::text[]) order by 1, 2;
-- below none of no elements, of missing rows
select p.k, a.id from pairs p left join types a on p.k = a.id where a.i4 < all (array[]::int[]) order by 1, 2;
-- none of VALUES
select p.k, a.id from pairs p left join types a on p.k = a.id where a.i4 <> all (values (3), (4)) order by 1, 2;
