-- line through all rows
-- approximate: 12
select regr_slope(i4, k), regr_intercept(i4, k), regr_r2(i4, k), regr_count(i4, k) from types join pairs on k = id % 4 where id not in (5, 6)
-- averages and sums of squares
-- approximate: 12
select regr_avgx(i2, f8), regr_avgy(i2, f8), regr_sxx(i2, f8), regr_sxy(i2, f8), regr_syy(i2, f8) from types where id not in (5, 6)
-- lines by group
-- approximate: 9
select l_linenumber, regr_slope(l_extendedprice, l_quantity), regr_intercept(l_extendedprice, l_quantity), regr_r2(l_extendedprice, l_quantity), regr_count(l_tax, l_discount) from lineitem group by l_linenumber
-- lines of no rows
select regr_slope(k, q), regr_intercept(k, q), regr_r2(k, q), regr_count(k, q), regr_avgx(k, q), regr_avgy(k, q), regr_sxx(k, q), regr_sxy(k, q), regr_syy(k, q) from pairs where k > 100
-- lines of one row
select regr_slope(k, q), regr_intercept(k, q), regr_r2(k, q), regr_count(k, q), regr_avgx(k, q), regr_avgy(k, q), regr_sxx(k, q), regr_sxy(k, q), regr_syy(k, q) from pairs where k = 2
-- a level line
select regr_slope(1, q), regr_intercept(1, q), regr_r2(1, q), regr_count(1, q) from pairs where k < 4
-- an upright line
select regr_slope(k, 2), regr_intercept(k, 2), regr_r2(k, 2) from pairs where k < 4
-- values alike
select regr_slope(3, 3), regr_r2(3, 3) from pairs where k < 4
-- lines of some rows
-- approximate: 12
select regr_slope(l_tax, l_discount) filter (where l_quantity < 10), regr_r2(l_tax, l_discount) filter (where l_quantity < 10), regr_count(l_tax, l_discount) filter (where l_quantity < 10) from lineitem
-- nulls left out
-- approximate: 12
select regr_count(i4, f8), regr_avgx(i4, f8), regr_avgy(f8, i4) from types where id not in (5, 6)
-- lines of a window
-- approximate: 12
select id, regr_count(i2, n) over (order by id), regr_sxx(i2, n) over (partition by id % 2) from types where id not in (5, 6)
