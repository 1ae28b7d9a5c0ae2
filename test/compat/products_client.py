"""A client of the course's earlier edition: products, and orders that answer with an order number.

Usage: products_client.py URL
Every request is a connection of its own; an order has no type, because one could only buy.
"""

import json
import sys
import urllib.error
import urllib.request


def call(url, order=None):
    data = None if order is None else json.dumps(order).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"} if data else {})
    try:
        with urllib.request.urlopen(request, timeout=15) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def main():
    url = sys.argv[1]
    orders = {}
    for product in ("Chess", "Marbles", "Kite", "Robot", "Tux"):
        status, body = call(url + "/products/" + product)
        assert status == 200 and body["data"]["name"] == product, body
        assert body["data"]["quantity"] > 0 and body["data"]["price"] > 0, body

        status, body = call(url + "/orders", {"name": product, "quantity": 1})
        assert status == 200, body
        orders[body["data"]["order_number"]] = product

    numbers = sorted(orders)
    assert len(numbers) == 5, numbers

    for number, product in orders.items():
        status, body = call(url + "/orders/%d" % number)
        assert status == 200, body
        assert (body["data"]["number"], body["data"]["name"], body["data"]["quantity"]) == (number, product, 1), body

    status, body = call(url + "/products/Unicorn")
    assert (status, body["error"]["code"]) == (404, 404), body
    status, body = call(url + "/orders", {"name": "Unicorn", "quantity": 1})
    assert (status, body["error"]["code"]) == (404, 404), body
    print("%d orders verified" % len(orders))


if __name__ == "__main__":
    main()
