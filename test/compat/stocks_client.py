"""A client of the course's later editions: stocks, and orders that answer with a transaction number.

Usage: stocks_client.py HOST PORT
Looks stocks up, trades them, and compares the orders that the server has with those it made.
"""

import http.client
import json
import random
import sys

STOCKS = ["Tux", "Fox", "Python", "Whale", "Elephant"]
TRADE_PROBABILITY = 0.8
ITERATIONS = 25


class Client:
    def __init__(self, host, port):
        self.connection = http.client.HTTPConnection(host, port, timeout=15)
        self.trades = {}

    def get(self, path):
        self.connection.request("GET", path)
        response = self.connection.getresponse()
        return response.status, json.loads(response.read())

    def lookup(self, stock):
        status, body = self.get("/stocks/" + stock)
        assert status == 200, (status, body)
        data = body["data"]
        assert data["name"] == stock, data
        assert isinstance(data["price"], float), data
        assert isinstance(data["quantity"], int), data
        return data["quantity"]

    def trade(self, stock, quantity, kind):
        order = {"name": stock, "quantity": quantity, "type": kind}
        headers = {"Content-Type": "application/json"}
        self.connection.request("POST", "/orders", json.dumps(order), headers)
        response = self.connection.getresponse()
        body = json.loads(response.read())
        if response.status != 200:
            assert body["error"]["code"] == response.status, body
            assert isinstance(body["error"]["message"], str), body
            return None
        number = body["data"]["transaction_number"]
        assert isinstance(number, int), body
        self.trades[number] = {"number": number, **order}
        return number

    def verify(self):
        for number, expected in self.trades.items():
            status, body = self.get("/orders/%d" % number)
            assert status == 200, (status, body)
            actual = {key: body["data"][key] for key in ("number", "name", "type", "quantity")}
            assert actual == expected, (actual, expected)


def main():
    client = Client(sys.argv[1], int(sys.argv[2]))
    for _ in range(ITERATIONS):
        stock = random.choice(STOCKS)
        if client.lookup(stock) > 0 and random.random() < TRADE_PROBABILITY:
            client.trade(stock, 1, random.choice(["buy", "sell"]))

    before = client.lookup("Tux")
    assert client.trade("Tux", 3, "buy") is not None
    assert client.lookup("Tux") == before - 3
    assert client.trade("Tux", 2, "sell") is not None
    assert client.lookup("Tux") == before - 1
    assert client.trade("Tux", 1000000, "buy") is None
    assert client.trade("Unicorn", 1, "buy") is None

    status, body = client.get("/stocks/Unicorn")
    assert status == 404 and body["error"]["code"] == 404, (status, body)
    status, body = client.get("/orders/999999999")
    assert status == 404 and body["error"]["code"] == 404, (status, body)

    client.verify()
    print("%d trades verified" % len(client.trades))


if __name__ == "__main__":
    main()
