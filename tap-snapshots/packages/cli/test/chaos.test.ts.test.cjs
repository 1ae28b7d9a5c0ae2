/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`packages/cli/test/chaos.test.ts > TAP > the report of a good run answers both questions well > must match snapshot 1`] = `
Bazaar chaos · 5 clients · 30 s · 2 faults · seed 7

How long the clients had to wait (ms)

fault  target  times  no order p50   p99   max  slowest look-up p50   max
─────────────────────────────────────────────────────────────────────────
kill   leader      1          61.4  61.4  61.4                 1.50  1.50
pause  leader      1           212   212   212                    –     –
all                2          61.4   212   212                 1.50  1.50

After 1 kill of the leader the next order was answered in: p50 58.2, p99 58.2, max 58.2 ms

check               found
────────────────────────────────────────────────────────────────────────
requests            1,197 answered, 0 failed                          ok
  sent again        3, while the front-end was down or the disk full  ok
orders              2 acknowledged: 0 lost, 0 wrong, 0 duplicated     ok
stock               12 units shown, 12 by the log                     ok
replicas            3 logs, sha256 abababababababab…                  ok
linearizable        0 orders and order queries                        ok
never back in time  0 look-ups                                        ok

Can the clients notice the failures? No: none of 1,200 requests failed; the longest wait for an order was 212 ms. While the front-end itself was down or the disk full, 3 requests had to be sent again.
Do all the order service replicas end up with the same database file? Yes: all 3 files have the same SHA-256.
all well
`

exports[`packages/cli/test/chaos.test.ts > TAP > whatever goes wrong fails the run and is told > must match snapshot 1`] = `
Bazaar chaos · 5 clients · 30 s · 2 faults · seed 7

How long the clients had to wait (ms)

fault  target  times  no order p50   p99   max  slowest look-up p50   max
─────────────────────────────────────────────────────────────────────────
kill   leader      1          61.4  61.4  61.4                 1.50  1.50
pause  leader      1           212   212   212                    –     –
all                2          61.4   212   212                 1.50  1.50

After 1 kill of the leader the next order was answered in: p50 58.2, p99 58.2, max 58.2 ms

check               found
──────────────────────────────────────────────────────────────────────────────
requests            1,196 answered, 1 failed                            FAILED
  sent again        3, while the front-end was down or the disk full    ok
orders              2 acknowledged: 1 lost, 0 wrong, 0 duplicated       FAILED
stock               11 units shown, 12 by the log, wrong for 1 product  FAILED
replicas            3 logs, differ                                      FAILED
linearizable        0 orders and order queries                          FAILED
never back in time  0 look-ups                                          ok

look-up of Tux: BazaarError: no quorum after 10001 ms
lost: order 3, key c
order-1: abababababababababababababababababababababababababababababababab
order-2: cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd
order-3: abababababababababababababababababababababababababababababababab
Tux: order 3 was never there

Can the clients notice the failures? Yes: 1 of 1,200 requests failed. While the front-end itself was down or the disk full, 3 requests had to be sent again.
Do all the order service replicas end up with the same database file? No: the 3 files have 2 different SHA-256.
FAILED; run it again with --seed 7
`
