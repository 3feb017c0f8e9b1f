"""Who may do what, as tables by room: `tests/test_permissions.py` joins them and proves them against the running house.

WHO: permission → the roles that hold it, every other one is refused. PAGES and API: method, route, permission; the OAuth scope is the
permission's. ROWS and API_ROWS: method, route, which row of another branch, who of this branch asks for it. LISTS: route, who asks, which
rows must not be listed. SHARED: routes of rows that belong to the whole lender, or to a person, and not to a branch.
"""
