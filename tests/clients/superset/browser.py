"""Apache Superset as a person sees it: a server of its own, and a headless Chromium that draws a chart and uses SQL
Lab.

Called with a folder for Superset's state and pictures, and the SQLAlchemy URI of a server. Its last line is JSON: what
was seen on each page. Chromium and its driver are Debian's.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parents[3]))  # run as a script, in Superset's environment

from werkzeug.serving import make_server

from tests.clients.superset.uses import Superset, make_application

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1400,1000",
)  # fmt: skip
_PATIENCE = 90


def _driver(folder: Path) -> Any:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*_FLAGS, f"--user-data-dir={folder / 'chromium'}"):
        options.add_argument(flag)
    service = webdriver.ChromeService("/usr/bin/chromedriver")
    return webdriver.Chrome(options=options, service=service)


def main(folder: Path, uri: str) -> dict[str, Any]:
    """Have the pages drawn; return what is on them."""
    application = make_application(folder)
    superset = Superset(application)
    database = superset.ask("post", "database/", sqlalchemy_uri=uri, database_name="lake", expose_in_sqllab=True)["id"]
    dataset = superset.ask("post", "dataset/", database=database, schema="shop", table_name="orders")["id"]
    chart = superset.ask("post", "chart/", **_chart(dataset))["id"]
    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    driver = _driver(folder)
    try:
        return _see(driver, f"http://127.0.0.1:{server.server_port}", folder, database, chart)
    finally:
        driver.quit()
        server.shutdown()


def _chart(dataset: int) -> dict[str, Any]:
    form = {
        "datasource": f"{dataset}__table", "viz_type": "table", "query_mode": "aggregate",
        "groupby": ["o_orderstatus"], "metrics": ["count"], "row_limit": 100, "adhoc_filters": [],
    }  # fmt: skip
    return {
        "slice_name": "Orders by status", "viz_type": "table", "datasource_id": dataset, "datasource_type": "table",
        "params": json.dumps(form),
    }  # fmt: skip


def _see(driver: Any, place: str, folder: Path, database: int, chart: int) -> dict[str, Any]:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    def wait_for(text: str) -> str:
        def seen(_: Any) -> str | None:
            found: str = driver.find_element(By.TAG_NAME, "body").text
            return found if text in found else None

        try:
            found: str = WebDriverWait(driver, _PATIENCE).until(seen)
        finally:
            driver.save_screenshot(str(folder / f"{len([*folder.glob('*.png')])}.png"))
        return found

    driver.get(f"{place}/login/")
    wait = WebDriverWait(driver, _PATIENCE)
    wait.until(lambda _: driver.find_elements(By.CSS_SELECTOR, "input[type=password]"))
    fields = driver.find_elements(By.CSS_SELECTOR, "input:not([type=hidden]):not([type=submit])")
    fields[0].send_keys("admin")
    fields[1].send_keys("admin", Keys.ENTER)
    wait.until(lambda _: "/login" not in driver.current_url)
    driver.get(f"{place}/explore/?slice_id={chart}")
    told = {"chart": wait_for("3 rows")}
    query = quote("SELECT count(*) * 7 AS sevenfold FROM shop.orders")
    driver.get(f"{place}/sqllab/?dbid={database}&schema=shop&name=seven&sql={query}&autorun=true")
    told["sql lab"] = wait_for("10500")
    return told


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2])))
