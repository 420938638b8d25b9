-- exclude range with offsets
select id, sum(i2) OVER (ORDER BY i2 RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW), count(i2) OVER (ORDER BY i2 RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING EXCLUDE GROUP), count(*) OVER (ORDER BY i2 RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING EXCLUDE TIES), sum(n) OVER (ORDER BY i2 DESC RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING EXCLUDE TIES) from types order by id;
-- exclude array of groups without ties
select id, array_agg(id) OVER (ORDER BY i2, id GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES) from types order by id;
-- exclude array of groups without the row
select id, array_agg(id) OVER (ORDER BY i2, id GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) from types order by id;
-- exclude first value without the row
select id, first_value(id) OVER (ORDER BY i2, id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) from types order by id;
-- exclude last value without the group
select id, last_value(i2) OVER (ORDER BY i2 RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE GROUP) from types order by id;
-- exclude edges of a range
select id, first_value(id) OVER (ORDER BY i2, id RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE TIES), last_value(id) OVER (ORDER BY i2, id RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW) from types order by id;
-- exclude average of groups
select id, avg(n) OVER (ORDER BY i2 GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING EXCLUDE TIES) from types order by id;
-- exclude averages without the row
select id, avg(i2) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW), avg(i2) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW) + 1, avg(n) FILTER (WHERE b) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW) from types order by id;
-- exclude average in a range
select id, avg(i2) OVER (PARTITION BY b ORDER BY i2 RANGE BETWEEN 5 PRECEDING AND 5 FOLLOWING EXCLUDE CURRENT ROW) from types order by id;
-- exclude others of the row group
select id, sum(i2) OVER (ORDER BY i2 GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW), min(t) OVER (ORDER BY i2 GROUPS BETWEEN CURRENT ROW AND CURRENT ROW EXCLUDE CURRENT ROW), max(d) OVER (PARTITION BY b ORDER BY f8 RANGE UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) from types order by id;
-- exclude filters, and no order
select id, sum(i2) FILTER (WHERE id > 2) OVER (ORDER BY i2 RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW), count(*) OVER (RANGE BETWEEN CURRENT ROW AND CURRENT ROW EXCLUDE CURRENT ROW), count(*) OVER (RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE GROUP), sum(id) OVER (RANGE UNBOUNDED PRECEDING EXCLUDE TIES) from types order by id;
-- exclude a group of ROWS
select id, sum(i2) over (order by i2 rows between 2 preceding and 1 following exclude group) from types where id not in (7, 10, 12);
-- range with offsets at the ends of the types
select id, count(*) over (order by i2 range between 2 preceding and 1 following),
  count(*) over (order by i4 desc range between 2 preceding and 1 following),
  count(*) over (order by case when i8 > 100 then 9223372036854775807 when i8 < 0 then -9223372036854775808 else i8 end
    range between 2 preceding and 1 following) from types;
-- exclude averages of floats
-- ordered
-- approximate: 12
select id, avg(f8) over (partition by b order by i2 range unbounded preceding exclude group), avg(f4) over (order by i2 groups between 1 preceding and 1 following exclude ties), avg(f8) filter (where id > 2) over (order by id rows between 2 preceding and 2 following exclude current row) from types where id <> 5 order by id;
-- excluded floats in moving frames
-- ordered
select id, avg(f8) over (order by id rows between 2 preceding and current row exclude current row), sum(f8) over (order by id rows between 2 preceding and 1 following exclude current row), sum(f4) over (order by i2, id groups between 2 preceding and 1 following exclude group), sum(f8) filter (where b) over (order by id rows between 2 preceding and 2 following exclude current row), avg(f8) over (order by i2 groups 1 preceding exclude ties) from types order by id;
-- excluded infinities in moving frames
-- ordered
select id, sum(q) over (order by id rows between 1 preceding and 1 following exclude current row) from (select row_number() over (order by k, w) as id, q from pairs) x order by id;
-- group and ties of unique rows
-- ordered
select id, sum(i8) over (order by id rows between 2 preceding and 1 following exclude group), count(*) over (order by id rows between 2 preceding and 1 following exclude group), min(t) over (order by id rows between 1 preceding and 1 following exclude group), max(d) over (order by id rows 2 preceding exclude ties) from types order by id;
-- group and ties in rows of doubles
select k, w, COUNT(*) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES), SUM(q) OVER (ORDER BY k ROWS 2 PRECEDING EXCLUDE GROUP), avg(k) over (order by k rows between 1 preceding and 2 following exclude ties) FROM pairs where k > 1;
-- group in rows to the ends
-- ordered
select k, count(*) over (order by k rows between 1 preceding and unbounded following exclude group), sum(k) over (order by k rows between unbounded preceding and 1 following exclude group), count(k) over (order by k desc rows between unbounded preceding and current row exclude group) from pairs where k > 1 order by k;
-- group in rows of partitions with filter
-- ordered
select id, sum(n) over (partition by b order by d rows between 1 preceding and 1 following exclude group), avg(n2) filter (where id > 3) over (partition by b order by id rows between 3 preceding and 1 following exclude ties), sum(f4) over (order by id rows 2 preceding exclude group), avg(i2) over (order by id rows 3 preceding exclude group) from types where id <> 10 order by id;
-- group in whole partitions and ties in rows to the end
select id, count(i2) over (order by i2 rows between unbounded preceding and unbounded following exclude group), array_agg(t) over (order by id rows between 1 preceding and unbounded following exclude ties) from types;
-- groups gathered in rows
select k, count(*) over (order by k rows between 1 preceding and 1 following exclude group) as c, count(*) over (order by k rows between 3 preceding and 3 following exclude ties) as t from pairs order by k nulls first, c, t;
-- groups and ties of NULLs
select b, sum(i2) over (order by b rows between unbounded preceding and current row exclude group), max(id) over (order by b rows between 20 preceding and current row exclude group) from types;
-- groups of two values in rows
select id, array_agg(id) over (order by id rows between 2 preceding and 1 following exclude group) from types;
-- group in rows of a named window
select id, sum(id) over w from types window w as (order by id rows 2 preceding exclude group);

-- texts without the row
select id, string_agg(t, ',') over (order by id rows between 1 preceding and 1 following exclude current row) from types;

-- texts without its ties
select id, string_agg(t, ',') over (order by id rows between 1 preceding and 1 following exclude ties) from types;

-- texts without its group
select id, string_agg(t, ',') over (order by i4 groups between 1 preceding and 1 following exclude group) from types;

-- texts without its ties, NULLs first
select id, string_agg(t, ',') over (order by i4 nulls first groups between 1 preceding and 1 following exclude ties) from types;

-- texts of partitions without the row
select id, string_agg(t, '') over (partition by b order by i2, id range between unbounded preceding and current row exclude current row) from types;

-- arrays without the row
select id, array_agg(t) over (order by i4, id rows between 2 preceding and 1 following exclude current row) from types;

-- arrays by two keys without the group
select id, array_agg(id) over (order by i2, b rows between 2 preceding and 3 following exclude group) from types;

-- arrays by two keys without ties
select id, array_agg(id) over (order by i2, b rows between 2 preceding and 3 following exclude ties) from types;

-- filtered arrays of groups without the row
select id, array_agg(id) filter (where id % 2 = 0) over (order by i2, b groups between 1 preceding and 2 following exclude current row) from types;

-- arrays of groups without the row
select id, array_agg(id) over (order by i4 groups between 1 preceding and 1 following exclude current row) from types;

-- second value without the row
select id, nth_value(t, 2) over (order by id rows between 1 preceding and 1 following exclude current row) from types;

-- second value of all before without the row
select id, nth_value(t, 2) over (order by id rows between unbounded preceding and 1 following exclude current row) from types;

-- first value by two keys without the group
select id, first_value(id) over (order by i2, b rows between 2 preceding and 2 following exclude group) from types;

-- last value by two keys without ties
select id, last_value(id) over (order by i2, b rows between 2 preceding and 2 following exclude ties) from types;

-- second value of a range without ties
select id, nth_value(id, 2) over (order by i2, b range between unbounded preceding and unbounded following exclude ties) from types;

-- third value of groups without the group
select id, nth_value(id, 3) over (order by i2, b groups between 1 preceding and 1 following exclude group) from types;

-- last value of a range with offsets without ties
select id, last_value(id) over (order by i2 range between 2 preceding and 2 following exclude ties) from types;

-- arrays of a frame behind the row
select id, array_agg(id) over (order by id rows between 1 following and 3 following exclude current row) from types;

-- arrays of a frame behind the row without the group
select id, array_agg(id) over (order by i2, b rows between 1 following and 3 following exclude group) from types;

-- arrays of a frame before the row without ties
select id, array_agg(id) over (order by i2, b rows between 3 preceding and 1 preceding exclude ties) from types;

-- first value of a frame behind the row without ties
select id, first_value(id) over (order by i2, b rows between 1 following and 3 following exclude ties) from types;

-- arrays of all rows without the group
select id, array_agg(id) over (rows between unbounded preceding and unbounded following exclude group) from types;

-- arrays of all rows without ties
select id, array_agg(id) over (range between unbounded preceding and unbounded following exclude ties) from types;

-- texts of a named window without the row
select id, string_agg(t, ',') over w2 from types window w2 as (order by id rows 2 preceding exclude current row);

-- filtered texts without the row
select id, string_agg(t, ',') filter (where b) over (order by id rows between 2 preceding and 2 following exclude current row) from types;

-- a value at no place
-- error: 22016
select id, nth_value(t, 0) over (order by id rows between 1 preceding and 1 following exclude current row) from types;

-- values of many types without the row
select id, first_value(n) over (order by n rows between 1 preceding and 1 following exclude current row), nth_value(iv, 1) over (order by n rows between 1 preceding and 1 following exclude current row), nth_value(j::jsonb, 2) over (order by n rows between 1 preceding and 1 following exclude current row), nth_value(tz, 1) over (order by n rows between 1 preceding and 1 following exclude current row) from types;

-- frames by intervals
select id, last_value(id) over (order by iv rows between 2 preceding and 2 following exclude ties), array_agg(id) over (order by iv groups between 1 preceding and 1 following exclude current row) from types where iv is not null;

-- texts of groups without the row
select string_agg(max(t), ',') over (order by min(id) rows between 1 preceding and 1 following exclude current row) from types group by b;

-- texts of frames with a separator of each row
-- refused: string_agg with EXCLUDE
select id, string_agg(t, v) over (order by id rows between 2 preceding and 2 following exclude current row) from types;
