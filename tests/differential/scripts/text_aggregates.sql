-- a separator that is computed
select string_agg(t, chr(10) order by id), string_agg(t, ',' || '-' order by id desc) from types;

-- a separator with a cast
select string_agg(t, ', '::text order by id), string_agg(t, cast(', ' as varchar) order by id), string_agg(t, null order by id),
  string_agg(t, (', ') order by id) from types;

-- a separator of each row
select string_agg(t, case when b then ',' else ';' end order by id), string_agg(t, v order by id) from types;

-- separators of each row by groups
-- ordered
select b, string_agg(t, v order by id), string_agg(t, v order by id) filter (where i4 > 1), count(*) from types group by b order by b;

-- a separator of each row over no rows
select string_agg(t, v order by id) from types where id > 100;

-- several orders
-- ordered
select b, string_agg(t, ', ' order by id), string_agg(v, '|' order by id desc), string_agg(t, ';' order by t, id) filter (where i4 > 0)
  from types group by b order by b;

-- distinct texts beside ordered ones
select string_agg(distinct t, ', ' order by t), string_agg(distinct t, ','), string_agg(distinct i4::text, ',' order by i4::text desc),
  string_agg(v, '|' order by id) from types;

-- json in several orders
-- ordered
select b, json_agg(i4 order by id), jsonb_agg(t order by id desc), json_object_agg(id, t order by id desc) from types group by b order by b;

-- bytes
select string_agg(y, ','::bytea order by id), string_agg(y, y order by id), string_agg(y, null order by id desc),
  string_agg(y, '\xff'::bytea order by id) filter (where b) from types;

-- bytes of a subquery
-- ordered
select length(x), x || y from (select b, string_agg(y, '-'::bytea order by id) x from types group by b) s
  join (select b, y, id from types) r using (b) order by id;

-- a computed separator over a window
-- ordered
select id, string_agg(t, chr(45)) over (order by id), string_agg(t, v) over (order by id) from types order by id;

-- distinct with separators of rows
-- refused: string_agg of distinct values with such a separator
select string_agg(distinct t, v) from types;

-- bytes behind a constant separator
select string_agg(y, '\x2c' order by id), string_agg(y, ', ' order by id), string_agg(y, null order by id) from types;
-- distinct texts beside another order
select string_agg(t, ',' order by t desc), string_agg(distinct t, ','), array_agg(distinct t), array_agg(t order by t desc) from types;
-- distinct texts, downwards, beside arrays
select b, string_agg(distinct v, '|' order by v desc), array_agg(distinct v), count(distinct v) from types group by b;
