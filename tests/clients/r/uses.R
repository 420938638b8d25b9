# What R users do with a database: DBI over RPostgreSQL, and dplyr's verbs, which dbplyr translates to SQL.
# Called with the words host, port, database, user, password; prints "name: value" lines.
suppressPackageStartupMessages({
  library(DBI)
  library(dplyr)
  library(dbplyr)
})

words <- commandArgs(trailingOnly = TRUE)
connection <- dbConnect(
  RPostgreSQL::PostgreSQL(), host = words[1], port = as.integer(words[2]), dbname = words[3], user = words[4],
  password = words[5]
)
tell <- function(name, value) cat(name, ": ", paste(value, collapse = " "), "\n", sep = "")
rows_of <- function(frame) do.call(paste, c(unname(as.list(frame)), sep = "|"))

tables <- dbListTables(connection) # without their schemas, so that one name may be there twice
tell("tables", sort(unique(grep("^(orders|customer|nation|region)$", tables, value = TRUE))))
tell("exists", c(dbExistsTable(connection, c("shop", "orders")), dbExistsTable(connection, c("shop", "nothing"))))
tell("fields", dbListFields(connection, c("shop", "region")))
tell("query", rows_of(dbGetQuery(connection, "SELECT o_orderkey, o_totalprice FROM shop.orders ORDER BY 1 LIMIT 2")))
tell("parameters", dbGetQuery(connection, "SELECT count(*) FROM shop.orders WHERE o_custkey = $1", 8)[[1]])
answer <- suppressWarnings(dbGetQuery(connection, "SELECT nothing FROM shop.orders")) # the driver prints the error
tell("error", is.null(answer))

result <- dbSendQuery(connection, "SELECT o_orderkey FROM shop.orders")
read <- 0
while (!dbHasCompleted(result)) read <- read + nrow(dbFetch(result, n = 400))
tell("fetched", read)
invisible(dbClearResult(result))
types <- dbGetQuery(connection, "SELECT c_bool, c_int4, c_float8, c_date, c_timestamptz FROM shop.types WHERE id = 1")
tell("types", vapply(types, function(column) class(column)[1], ""))

orders <- tbl(connection, in_schema("shop", "orders"))
customers <- tbl(connection, in_schema("shop", "customer"))
tell("columns", head(colnames(orders), 3))
tell("rows", as.integer(pull(tally(orders))))
grouped <- orders %>%
  filter(o_orderstatus %in% c("F", "O"), !is.na(o_totalprice)) %>%
  group_by(o_orderstatus) %>%
  summarise(n = n(), total = sum(o_totalprice, na.rm = TRUE), mean = mean(o_totalprice, na.rm = TRUE)) %>%
  arrange(o_orderstatus) %>%
  collect()
tell("grouped", rows_of(grouped %>% mutate(mean = round(mean, 4))))
joined <- orders %>%
  inner_join(customers, by = c("o_custkey" = "c_custkey")) %>%
  mutate(year = year(o_orderdate), big = if_else(o_totalprice > 1000, "big", "small"), head = substr(c_name, 1L, 8L)) %>%
  count(year, big, head) %>%
  arrange(year, big, head) %>%
  head(4) %>%
  collect()
tell("joined", rows_of(joined))
ranked <- orders %>%
  group_by(o_custkey) %>%
  window_order(desc(o_totalprice), o_orderkey) %>%
  mutate(place = row_number(), before = lag(o_totalprice)) %>%
  filter(place <= 2) %>%
  ungroup() %>%
  arrange(o_custkey, place) %>%
  select(o_custkey, o_orderkey, place, before) %>%
  head(5) %>%
  collect()
tell("ranked", rows_of(ranked))
sized <- orders %>%
  left_join(customers, by = c("o_custkey" = "c_custkey")) %>%
  mutate(
    size = case_when(o_totalprice < 500 ~ "small", between(o_totalprice, 500, 2000) ~ "middle", TRUE ~ "large"),
    name = coalesce(c_name, "nobody"), month = month(o_orderdate), known = !is.na(c_name) & name != ""
  ) %>%
  group_by(size, known) %>%
  summarise(customers = n_distinct(o_custkey), first = min(o_orderdate, na.rm = TRUE), months = max(month), .groups = "drop") %>%
  arrange(size, known) %>%
  collect()
tell("sized", rows_of(sized))
largest <- orders %>%
  group_by(o_orderstatus) %>%
  slice_max(o_totalprice, n = 2, with_ties = FALSE) %>%
  ungroup() %>%
  summarise(n = n(), most = max(o_totalprice, na.rm = TRUE)) %>%
  collect()
tell("largest", rows_of(largest))
running <- orders %>%
  window_order(o_orderkey) %>%
  mutate(total = cumsum(o_totalprice), share = percent_rank(o_totalprice), third = ntile(3L)) %>%
  filter(o_orderkey <= 3) %>%
  arrange(o_orderkey) %>%
  select(o_orderkey, total) %>%
  collect()
tell("running", rows_of(running))
tell("distinct", orders %>% distinct(o_orderstatus, o_shippriority) %>% tally() %>% pull() %>% as.integer())
tell("set difference", setdiff(select(orders, key = o_custkey), select(customers, key = c_custkey)) %>% tally() %>% pull() %>% as.integer())
tell("renamed", orders %>% rename(key = o_orderkey) %>% relocate(o_comment) %>% colnames() %>% head(3))
tell("matched", customers %>% filter(c_name %like% "%1", str_detect(c_name, "Customer")) %>% tally() %>% pull() %>% as.integer())
only <- anti_join(customers, orders, by = c("c_custkey" = "o_custkey")) %>% tally() %>% pull()
tell("anti", as.integer(only))
both <- union_all(select(orders, key = o_orderkey), select(customers, key = c_custkey)) %>% tally() %>% pull()
tell("union", as.integer(both))
kept <- orders %>% filter(o_orderkey <= 10) %>% compute("few_orders")  # a temporary table
tell("temporary", as.integer(pull(tally(kept))))
tell("copied", nrow(collect(semi_join(orders, kept, by = "o_orderkey"))))
tell("transaction", dbWithTransaction(connection, dbGetQuery(connection, "SELECT 1 AS one"))[[1]])
invisible(dbDisconnect(connection))
