-- inet and cidr in UNION
select (abs(id % 3)::text || '.0.0.1')::inet as a from types union select (abs(id % 3)::text || '.0.0.1/32')::cidr from types

-- inet and cidr in INTERSECT and EXCEPT
(select ('10.0.0.' || id)::inet as a from types intersect select ('10.0.0.' || id * 2 || '/32')::cidr from types)
union all (select ('10.0.0.' || id)::inet as a from types except select ('10.0.0.' || id * 2 || '/32')::cidr from types)

-- groups of inet and cidr that are the same address
select a, count(*) from (select ('10.0.0.' || id)::inet as a from types union all select ('10.0.0.' || id)::cidr from types) s
group by a

-- CASE and COALESCE of inet and cidr
select case when id < 5 then '10.0.0.1'::inet else ('10.0.0.' || id)::cidr end, coalesce(case when id > 5 then ('::' || id)::cidr end, '10.0.0.1'::inet)
from types

-- ARRAY of inet and cidr
select array[('10.0.0.' || id)::inet, ('10.0.0.' || id)::cidr] from types

-- inet IN a query of cidr
select id from types where ('10.0.0.' || id)::inet in (select ('10.0.0.' || id * 2)::cidr from types)

-- GROUP BY jsonb of one number
select count(*) from (select ('{"a": ' || id % 2 || repeat('.0', id % 2) || '}')::jsonb as j from types) s group by j

-- GROUP BY jsonb with numbers in strings
select j, count(*) from (select ('{"a": "' || id % 2 || repeat('.0', id % 3 % 2) || '"}')::jsonb as j from types) s group by j

-- keys of jsonb in another order
select j, count(*) from (select (case when id % 2 = 0 then '{"a":1,"b":{"c":2,"d":3}}' else '{"b":{"d":3,"c":2},"a":2,"a":1}' end)::jsonb as j from types) s group by j

-- DISTINCT of jsonb
select distinct ('[' || id % 3 || ', 1]')::jsonb from types

-- how many DISTINCT jsonb
select count(distinct ('1' || repeat('0', id % 3) || case when id % 2 = 0 then '.0' else '' end)::jsonb) from types

-- UNION of jsonb
select count(*) from (select (id || '.0')::jsonb as j from types union select id::text::jsonb from types) s

-- INTERSECT of jsonb
select count(*) from (select (id || '.0')::jsonb as j from types intersect select (id * 2)::text::jsonb from types) s

-- EXCEPT of jsonb
select (id || '.0')::jsonb as j, id % 2 as m from types except select (id * 2)::text::jsonb, 0 from types

-- EXCEPT ALL of jsonb in order
-- ordered
select j from (select (id % 4)::text::jsonb as j from types except all select (id || '.0')::jsonb from types) s order by j

-- UNION of jsonb in order with a limit
-- ordered
select (id || '.0')::jsonb as j, id from types union select (id || '.0')::jsonb, id from types order by j desc limit 3

-- jsonb IN a query
select id from types where id::text::jsonb in (select (id * 2 || '.00')::jsonb from types)

-- jsonb NOT IN a query
select id from types where id::text::jsonb not in (select (id * 2 || '.00')::jsonb from types)

-- PARTITION BY jsonb
select id, row_number() over (partition by (id % 3 || repeat('.0', id % 2))::jsonb order by id) from types

-- join of jsonb
select a.id, b.id from types a join types b on (a.id || '.0')::jsonb = (b.id * 2)::text::jsonb

-- GROUP BY jsonb with HAVING
select count(*), max(id) from types group by (id % 3 || repeat('.0', id % 2))::jsonb having count(*) > 3

-- DISTINCT of jsonb beside groups
select distinct (id % 2 || '.0')::jsonb as j, count(*) as n from types group by id

-- UNION of intervals
select count(*) from (select make_interval(days => id % 3) as i from types union select make_interval(hours => id % 3 * 24) from types) s

-- INTERSECT and EXCEPT of intervals
select make_interval(days => id) as i, 1 as k from types except select make_interval(hours => 24 * 2 * id), 1 from types

-- intervals IN a query
select id from types where make_interval(days => id) in (select make_interval(hours => 48 * id) from types)

-- DISTINCT of intervals beside windows
select distinct make_interval(days => id % 3) as i, count(*) over () as n from types

-- GROUP BY arrays of jsonb
-- refused: GROUP BY or DISTINCT of jsonb[]
select array[id::text::jsonb] from types group by 1

-- GROUPING SETS of jsonb
select j, count(*) from (select id::text::jsonb as j from types) s group by rollup (j)

-- UNION of jsonb in WITH RECURSIVE
-- refused: WITH RECURSIVE
with recursive r(j, n) as (select '1'::jsonb, id from types where id = 1 union select j, n + 1 from r where n < 3) select * from r
