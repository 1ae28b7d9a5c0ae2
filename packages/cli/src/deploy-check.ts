import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { FrontendClient, type Order, type Product } from '@bazaar/client'
import { defineCommand } from 'citty'
import { durationOption } from './duration.ts'
import { exitStatus } from './usage-error.ts'

const waitMaxMs = 3_600_000
const pollMs = 250
/** A front-end may try for 10 s; the network comes on top. */
const timeoutMs = 15_000

export const checkCommand = defineCommand({
  meta: { name: 'deploy check', description: 'Waits until a shop is ready, then looks up, orders and reads it back.' },
  args: {
    url: { type: 'string', required: true, valueHint: 'URL', description: 'where the shop is' },
    wait: { type: 'string', default: '60s', valueHint: 'TIME', description: 'how long it may take to be ready' },
  },
  async run({ args }) {
    process.exitCode = await check(args.url, durationOption('wait', args.wait, waitMaxMs))
  },
})

async function check(url: string, waitMs: number): Promise<number> {
  const shop = new FrontendClient(url)
  try {
    await untilReady(shop, url, waitMs)
    const product = await firstInStock(shop)
    const order = await shop.order({ name: product.name, quantity: 1 }, randomUUID(), { timeoutMs })
    const stored = await shop.getOrder(order.number, { timeoutMs })
    if (stored === null || !isSame(order, stored)) {
      throw new Error(`order ${order.number} reads back as ${JSON.stringify(stored)}, not ${JSON.stringify(order)}`)
    }
    console.log(`order ${order.number}: one ${order.name} for ${order.price}, and it reads back`)
    return exitStatus.ok
  } catch (error) {
    console.error(`bazaar: ${url}: ${(error as Error).message}`)
    return exitStatus.failed
  } finally {
    await shop.close()
  }
}

async function untilReady(shop: FrontendClient, url: string, waitMs: number): Promise<void> {
  const deadline = performance.now() + waitMs
  while (!(await shop.ready())) {
    if (performance.now() > deadline) throw new Error(`not ready after ${waitMs / 1000} s (GET ${url}/ready)`)
    await sleep(pollMs)
  }
}

async function firstInStock(shop: FrontendClient): Promise<Product> {
  const products = await shop.products({ timeoutMs })
  const found = products.find(product => product.quantity > 0)
  if (found === undefined) throw new Error(`none of its ${products.length} products is in stock`)
  return found
}

function isSame(ordered: Order, stored: Order): boolean {
  const fields = ['number', 'name', 'type', 'quantity', 'price'] as const
  return fields.every(field => ordered[field] === stored[field])
}
