/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`packages/cli/test/replacement.test.ts > TAP > a cache that is off holds nothing, and what was seen is told > must match snapshot 1`] = `
The cache is off: of 3 products it holds none
● hit   ○ miss   × ordered   (blank) not asked for

Tux           ○○   ○○   ○  ○    ○  ○     ○○ ○×
Whale     ○○○    ○×       ○  ○×○ ○×  ○×○   ○
Elephant     ○  ○    ○○× ○  ○       ○   ○

0 of 30 look-ups were hits

all well
`

exports[`packages/cli/test/replacement.test.ts > TAP > an LRU of the right size agrees every time, and the picture shows what it holds > must match snapshot 1`] = `
What the cache of 2 entries holds over time, 3 products
● hit   ○ miss, now held   × ordered, still held   ─ held   (blank) not held

Tux           ○●─  ○●───●─ ○─   ○──●─    ○●─●×
Whale     ●●●─   ○×──     ○─ ○×●─●×─ ○×●─  ○──
Elephant  ───●──●──  ○●×─●─ ○───    ○───●──

17 of 30 look-ups were hits; 30 of 30 were what an LRU of 2 entries does

all well
`
