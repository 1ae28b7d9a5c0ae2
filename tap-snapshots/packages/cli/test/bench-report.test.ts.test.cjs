/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`packages/cli/test/bench-report.test.ts > TAP > the text reads well > must match snapshot 1`] = `
Bazaar bench · 5 clients · 12 products · seed 1
2 × Test CPU, 4 GiB, Linux, Node 24
network round trip 0.090 ms (p50 of 3 connections); 40,000 iterations to warm up are not counted

Average time of a look-up and, with probability p, an order (ms)

  p  cache      n   mean  ± 95 %    p50   p99   max  original  times faster
───────────────────────────────────────────────────────────────────────────
  0  on     1,000  0.310   0.010  0.310  1.24  6.20     45.98           148
0.8  on     1,000   1.62   0.010   1.62  6.48  32.4    111.17            69
  0  off    1,000  0.620   0.010  0.620  2.48  12.4     45.98            74
0.8  off    1,000   1.97   0.010   1.97  7.86  39.3    111.17            57
original: the report of 2023; its figures include a network round trip, from a laptop to us-east-1
± 95 %: of this run, as if its times did not depend on each other; another run may differ by more

Look-ups alone (ms)

  p  cache      n   mean  ± 95 %    p50   p99   max
───────────────────────────────────────────────────
  0  on     1,000  0.310   0.010  0.310  1.24  6.20
0.8  on     1,000  0.420   0.010  0.420  1.68  8.40
  0  off    1,000  0.620   0.010  0.620  2.48  12.4
0.8  off    1,000  0.750   0.010  0.750  3.00  15.0

Orders alone (ms)

  p  cache      n  mean  ± 95 %   p50   p99   max
─────────────────────────────────────────────────
  0  on         0     –       –     –     –     –
0.8  on     1,000  1.50   0.010  1.50  6.00  30.0
  0  off        0     –       –     –     –     –
0.8  off    1,000  1.52   0.010  1.52  6.08  30.4

Throughput, cache and failures

  p  cache  requests/s  hits  refused  sold out  errors
───────────────────────────────────────────────────────
  0  on          3,600  83 %        0         0       0
0.8  on          3,600  83 %        0         0       0
  0  off         3,600   0 %        0         0       0
0.8  off         3,600   0 %        0         0       0

Mean of look-up plus order

p 0 cache on     ███████▋ 0.310 ms
p 0.8 cache on   ███████████████████████████████████████▌ 1.62 ms
p 0 cache off    ███████████████▏ 0.620 ms
p 0.8 cache off  ████████████████████████████████████████████████ 1.97 ms

What the cache gains

p 0: a look-up takes 0.310 ± 0.010 ms with the cache, 0.620 ± 0.010 without,
   50 % less at 83 % hits; look-up plus order 50 % less
p 0.8: a look-up takes 0.420 ± 0.010 ms with the cache, 0.750 ± 0.010 without,
   44 % less at 83 % hits; look-up plus order 18 % less

verified: 21,656 orders read back, 20,056 of them placed to warm up, 0 differ
stock: 23,998,400 units, as the orders leave it
all well
`
