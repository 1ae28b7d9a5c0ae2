// Orders from a shop until it has sold this much, and reads some of it back. Run it where the shop can be reached.
//
// node shopper.ts URL ADMIN_TOKEN ORDERS
import assert from 'node:assert/strict'
import { FrontendClient } from '@bazaar/client'

const [url = '', token = '', count = '0'] = process.argv.slice(2)
const clients = 32
const name = 'Shopper'
const readBack = 200

const shop = new FrontendClient(url, clients)
await shop.putProduct(name, 1.5, token)
await shop.addStock(name, Number(count), token)
const numbers: number[] = []
let left = Number(count)
const client = async () => {
  while (left-- > 0) numbers.push((await shop.order({ name, quantity: 1 })).number)
}
await Promise.all(Array.from({ length: clients }, client))
assert.equal(new Set(numbers).size, Number(count), 'every order has a number of its own')
for (const number of numbers.slice(-readBack)) assert.equal((await shop.getOrder(number))?.name, name)
assert.equal((await shop.product(name)).product?.quantity, 0, 'all of it is sold')
await shop.close()
console.log(Math.max(...numbers))
