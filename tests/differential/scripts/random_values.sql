-- between bounds
select random(1, 10) between 1 and 10, random(1::bigint, 5) < 6, random(0.5, 1.5) between 0.5 and 1.5 from types;

-- one number between bounds
select random(3, 3), random(3::int8, 3), random(2.5, 2.5), random(7::int2, 7), random(1.25, 1.25), random(i4, i4) from types;

-- each row its own
select count(distinct random(1, 2000000000)) > 5, count(distinct random_normal()), count(distinct uuidv7()), count(distinct uuidv4())
  from types;

-- bounds that cross
-- error: 22023
select random(5, 1) from types;

-- no bound
select random(null::int, 1) from types;

-- a condition
select count(*) from types where random(1, 2) < 5 and random_normal(0, 1) < 100;

-- normal without deviation
select random_normal(5, 0), random_normal(f8, 0) from types where id < 5;

-- uuids of two versions
select length(uuidv7()::text), substring(uuidv7()::text from 15 for 1), substring(uuidv4()::text from 15 for 1) from types;

-- uuids of a subquery
select count(*), bool_and(u > '01900000-0000-7000-8000-000000000000') from (select uuidv7() as u from types) x;

-- of a query in WITH, named once
with r as (select id, random() as v from types) select count(*) from r where v >= 0 and v = v;

-- of a query in WITH, named twice
with r as (select id, random() as v from types) select count(*) from r a join r b on a.id = b.id and a.v = b.v;

-- of a query in WITH that a subquery reads again
with r as materialized (select random() as v from types) select count(*) from r where v = (select max(v) from r);

-- of rows in a random order, read by another WITH query
with r as (select id from types order by random() limit 3), s as (select id from r) select count(*) from s a join s b using (id);

-- of a sample, named twice
with r as (select id from types tablesample bernoulli (50)) select id from r except select id from r;

-- of the clock, named twice
with r as (select clock_timestamp() as v from types limit 1) select count(*) from r a, r b where a.v <> b.v;

-- of a query in WITH that a query in FROM names twice
-- refused: a WITH query with random values, "r"
select count(*) from (with r as (select id, random() as v from types) select a.id from r a join r b using (id, v)) x;

-- of a query in WITH that another names, which is named twice
with r as (select id, random() as v from types), s as (select id, v from r) select count(*) from s a join s b using (id, v);

-- of a query in WITH with a limit, named twice
with r as (select id from types limit 3) select count(*) from r a join r b using (id);

-- of a query in WITH beside one that names itself
-- refused: a WITH query with random values, "r"
with recursive r as (select random() as v from types), n as (select 1 as i union all select i + 1 from n where i < 3)
select count(*) from r a join r b using (v), n;

-- of a query in WITH that names itself
with recursive r as (select 1 as n, random() as v union all select n + 1, random() from r where n < 3)
select count(*) from r, types where r.v < 2;

-- of a query in LATERAL that reads no row
select count(distinct r), count(distinct g) from types, lateral (select random() as r) a, lateral (select gen_random_uuid() as g) b;
-- of a query in LATERAL that reads no row, by an outer join
select count(distinct r) from types t left join lateral (select random() as r) a on true where t.id > 2;
-- of a query in LATERAL that reads a row
select count(distinct r) from types t, lateral (select random() + t.id * 0 as r) a;
-- of a function in FROM
select count(distinct r) from types, random() as r;
-- of values in LATERAL
select count(distinct r) from types, lateral (values (random())) a(r);
