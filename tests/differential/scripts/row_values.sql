-- row comparison of columns
select a.k, a.w from pairs a where (k, w) > (1, 'one');
-- row comparison less or equal with nulls
select k, w, (k, w) <= (2, 'two') from pairs;
-- row comparison greater or equal of three
select id from types where (i2, i4, id) >= (5, 5, 10);
-- row comparison mixed types
select id, (i2, n) < (7, 2) from types;
-- row comparison with row keyword
select k, row(k, w) = row(1, 'one') from pairs;
-- row not equal
select k, (k, w) <> (1, 'one') from pairs;
-- row is distinct from
select k, (k, w) is distinct from (1, 'one'), row(k, w) is not distinct from row(null, null) from pairs;
-- row is null
select k, (k, w) is null, (k, w) is not null, row(k, w) is null, not ((k, w) is null) from pairs;
-- row in list
select k, w from pairs where (k, w) in ((1, 'one'), (2, 'two'), (null, 'none'));
-- row not in list
select k, w from pairs where (k, w) not in ((1, 'one'), (2, 'two'));
-- row in select list
select k, (k, w) in ((1, 'one'), (2, null)) from pairs;
-- row in subquery
select k, w from pairs where (k, q) in (select id, f8 from types);
-- row in subquery of select list
select k, w, (k, w) in (select k, w from pairs where k < 3) from pairs;
-- row not in subquery
select k, w from pairs where (k, w) not in (select k, w from pairs where k < 3);
-- row not in subquery with nulls
select k, w from pairs where (k, w) not in (select k, w from pairs where k < 3 or w is null);
-- row in subquery correlated
select k, w from pairs p where (k, w) in (select x.k, x.w from pairs x where x.q >= p.q);
-- row in subquery under or
select k, w from pairs where (k, w) in (select k, w from pairs where k = 1) or k = 5;
-- row equals any subquery
select k, w from pairs where (k, w) = any (select k, w from pairs where k = 1);
-- row not equal all subquery
select k, w from pairs where (k, w) <> all (select k, w from pairs where k = 1);
-- row equals scalar subquery
select k, w from pairs where (k, w) = (select k, w from pairs where k = 2);
-- row less than scalar subquery
select k, w from pairs where (k, w) < (select k, w from pairs where k = 2);
-- row between
select k, w from pairs where (k, w) between (1, 'p') and (3, 'a');
-- row overlaps in dates
select id, (d, d + 10) overlaps (date '2024-01-01', date '2024-02-05') from types;
-- row overlaps with interval
select id, (ts, interval '1 day') overlaps (timestamp '2024-01-31', interval '1 hour') from types;
-- row of one element
select k, row(k) = row(1) from pairs;
-- row of rows
select k, ((k, 1), w) = ((1, 1), 'one') from pairs;
-- row constructor output
select row(k, w) from pairs;
-- row constructor without keyword output
select (k, w) from pairs;
-- row constructor with text and numbers
select row(id, t, n, b, d) from types;
-- row constructor with star
select row(p.*) from pairs p;
-- row constructor cast to text
select row(k, w)::text from pairs;
-- whole row output
select p from pairs p;
-- whole row of table without alias
select region from region;
-- whole row with other columns
select p.k, p from pairs p where p.k = 1;
-- whole row cast to text
select p::text from pairs p;
-- whole row in count
select count(p), count(*) from pairs p;
-- count distinct of whole row
select count(distinct p) from pairs p;
-- whole row comparison
select a.k from pairs a join pairs b on a = b;
-- whole row is null
select p.k, p is null, p is not null from pairs p;
-- whole row of left join is null
select p.k, r is null from pairs p left join region r on r.r_regionkey = p.k;
-- count of whole row of left join
select p.k, count(r) from pairs p left join region r on r.r_regionkey = p.k group by p.k;
-- whole row of derived table
select x from (select k, w from pairs) x;
-- whole row order by
select k, w from pairs p order by p;
-- whole row distinct
select distinct p from pairs p;
-- whole row group by
select p, count(*) from pairs p group by p;
-- field of whole row
select (p).k, (p).w from pairs p;
-- field of parenthesised row
select (p.k), ((p)).w from pairs p;
-- star of whole row
select (p).* from pairs p;
-- whole row in in
-- refused: a row as value
select a.k from pairs a where a in (select b from pairs b where b.k < 3);
-- whole row in array_agg
select array_agg(p order by p.k, p.w) from pairs p where p.k < 3;
-- array constructor
select array[k, k + 1, null] from pairs;
-- array constructor of text
select array[w, 'x', null] from pairs;
-- array constructor nested
select array[[1, k], [3, 4]] from pairs;
-- array constructor of subquery
select array(select r_name from region order by r_name) from pairs where k = 2;
-- array constructor of correlated subquery
select k, array(select n_name from nation where n_regionkey = p.k order by n_name desc) from pairs p;
-- array constructor empty
select array[]::int[], k from pairs;
-- array subscript and slice
select ai[1], ai[2:3], ai[:2], ai[2:], ai[10] from types;
-- array comparison
select id, ai = array[1, 2, 3], ai < array[3], ai <> '{5,5}' from types;
-- array equals any
select k, k = any (array[1, 3]), k = any ('{1,3}'), k <> all (array[1, 3]) from pairs;
-- array any operators
select k, k > any (array[1, 3]), k < all (array[3, 5]), k >= some (array[2, null]) from pairs;
-- array any of column
select id, 5 = any (ai), 'a' = any (at) from types;
-- array any like
select n_name, n_name like any (array['A%', 'B%']), n_name not like all (array['A%', 'B%']) from nation;
-- array any ilike
select n_name from nation where n_name ilike any (array['a%', '%z%']);
-- array any empty
select k, k = any ('{}'::int[]), k <> all ('{}'::int[]) from pairs;
-- array any null
select k, k = any (null::int[]) from pairs;
-- array concatenation and containment
select id, ai || 9, 9 || ai, ai || ai, ai @> array[2], ai <@ array[1, 2, 3, 5], ai && array[5] from types;
-- rows gathered in an array
select array_agg(row(k, w) order by k, w desc) filter (where k > 1) from pairs;
-- whole rows gathered in an array
select array_agg(s) from (select k, w from pairs order by k desc, w) s;
-- rows gathered in a derived table
-- refused: a row as value
select a from (select array_agg(p) as a from pairs p) s;
-- different rows gathered
-- refused: a row as value
select array_agg(distinct p) from pairs p;
-- rows written with a star
select id from types ty where ty.* is not null;
-- rows with a star that are null
select p.k, p.* is null, p.* is distinct from p from pairs p where q < 10;
-- rows with a star that are counted
select count(p.*), count(p) from pairs p;

-- field of a written row
select (row(1, k)).f2, (row(1, k)).*, 5 from pairs;

-- star of a star
select (p.*).* from pairs p;

-- fields of a record of a derived table
select (s.r).k, (s.r).* from (select p as r from pairs p) s;

-- field of a row of a subquery
select (select p from pairs p where k = 2).k, ((select p from pairs p where k = 2)).* from types where id < 3;

-- records of a derived table
select s.r, s.r is null, s.r is not null, s.r::text from (select row(k, w) as r from pairs p) s;

-- different records
select distinct row(k, w), q from pairs;

-- different records in order
-- ordered
select distinct row(k, w) as r from pairs order by r desc limit 3;

-- records of a union
select row(k, w) from pairs union select row(k, w) from pairs;

-- records of a union of all in order
select row(k, w), 1 from pairs union all select row(k, w), 2 from pairs order by 2;

-- records of an intersection
select row(k, w) from pairs intersect select row(k, w) from pairs where k < 3;

-- records of a WITH query
with x as (select p as r, p.k + 1 as k1 from pairs p) select (a.r).w, b.r, b.k1 from x a join x b on (a.r).k = (b.r).k;

-- records that a left join does not find
select t.id, s.r, (s.r).w from types t left join (select p as r, k from pairs p) s on s.k = t.i2;

-- records counted
select count(distinct s.r), count(s.r), count(*) from (select p as r from pairs p) s;

-- records grouped
select s.r, count(*) from (select row(k) as r from pairs p) s group by s.r;

-- records as json
select to_json(s.r), row_to_json(s.r) from (select p as r from pairs p) s;

-- records in order in a derived table
select r from (select row(k, w) as r from pairs order by r limit 3) s;

-- fields in conditions and order
-- ordered
select (r).f1 + 1 as x from (select row(k, w) as r from pairs) s where (r).f2 like '%o%' order by (r).f1, 1;

-- fields grouped
select (s.r).f1, sum((s.r).f1) from (select row(k, w) as r from pairs) s group by (s.r).f1;

-- records of records
select (x.r).f1 from (select row((s.r).f1, 3) as r from (select row(k, w) as r from pairs) s) x;

-- records handed on
select x.r from (select s.r from (select row(k, w) as r from pairs) s) x;

-- records of LATERAL
select l.r, (l.r).f1 from pairs p cross join lateral (select row(p.k, 1) as r) l;

-- fields in subqueries
select (select (s.r).f1 from pairs limit 1), exists (select 1 from pairs p where p.k = (s.r).f1) from (select row(k, w) as r from pairs) s;

-- records named by an alias
select s.a, (s.b).f2 from (select row(k, w), row(w, k) from pairs) s(a, b);

-- fields in windows
select max((s.r).w) over (order by (s.r).k) from (select p as r from pairs p) s;

-- different rows of one field
select count(distinct row(k)), count(distinct (k, w)), count(distinct row(w)) from pairs;

-- rows in rows
select row(p, k), row(row(k, w), w) from pairs p;

-- field of a row of a function
-- refused: a field of a composite value
select (json_populate_record(p, '{"k": 5}')).* from pairs p;

-- aggregates in the order of rows
select jsonb_agg(s order by s), json_agg(s.id order by s desc), string_agg(s.id::text, ',' order by s), array_agg(s.id order by (s.d, s.id) desc), string_agg(s.id::text, '-' order by (s.i4, s.id)) from (select d, id, i4 from types) s;
-- windows in the order of rows
-- ordered
select s.id, rank() over (order by s), count(*) over (order by (s.d, s.i4) desc) from (select d, id, i4 from types) s order by s.id;

-- counts of rows of expressions
select count(distinct (k % 2, w)), count(distinct row(k + 1)), count(distinct (k, w || 'x')), count(distinct (null::int, k * 2)) from pairs;

-- counts of rows of expressions by groups
select n_regionkey, count(distinct (n_nationkey % 2, n_name > 'K')), count(distinct row(length(n_name))) filter (where n_nationkey > 3) from nation group by 1 order by 1;

-- counts of rows of floats
select count(distinct (v, 1)), count(distinct row(v)), count(distinct (v * 2, v)), count(distinct v) from (select case n_nationkey % 3 when 0 then 0.0::float8 when 1 then '-0'::float8 else 'NaN' end as v from nation) s;

-- counts of rows in rows
select count(distinct (a.d, a.i4 % 7)), count(distinct (a.d, row(a.i4, a.d))) from (select d, i4 from types) a;

-- counts of rows that an outer join has not
select count(distinct b), count(b), count(distinct (b.k, 1)), count(distinct (a.k, b)) from pairs a left join pairs b on b.k = a.k and b.w is not null;

-- counts of rows of numerics, texts and dates
select count(distinct (n_regionkey, n_nationkey / 2.0)), count(distinct (n_regionkey::text, date '2024-01-01' + n_regionkey::int)) from nation;
