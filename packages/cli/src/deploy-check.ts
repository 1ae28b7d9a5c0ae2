import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { FrontendClient, type Order } from '@bazaar/client'
import { defineCommand } from 'citty'
import { durationOption } from './duration.ts'
import { orderOne } from './shopper.ts'
import { exitStatus } from './usage-error.ts'

const waitMaxMs = 3_600_000
const pollMs = 250
/** A front-end may try for 10 s; the network comes on top. */
const timeoutMs = 15_000

export const checkCommand = defineCommand({
  meta: { name: 'deploy check', description: 'Waits until a shop is ready, then looks up, orders and reads it back.' },
  args: {
    url: { type: 'string', required: true, valueHint: 'URL', description: 'where the shop is' },
    wait: { type: 'string', default: '60s', valueHint: 'TIME', description: 'how long it may take to sell' },
  },
  async run({ args }) {
    process.exitCode = await check(args.url, durationOption('wait', args.wait, waitMaxMs))
  },
})

async function check(url: string, waitMs: number): Promise<number> {
  const shop = new FrontendClient(url)
  try {
    const order = await firstOrder(shop, url, waitMs)
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

async function firstOrder(shop: FrontendClient, url: string, waitMs: number): Promise<Order> {
  const deadline = performance.now() + waitMs
  const after = `after ${waitMs / 1000} s`
  await poll(async () => (await shop.ready()) || null, deadline, `not ready ${after} (GET ${url}/ready)`)
  // Customers may have bought all there is: that is no fault, and mended by the next restock.
  return poll(() => buyOne(shop), deadline, `nothing in stock ${after} (GET ${url}/products)`)
}

/** The first answer that is not null; throws an error that says `otherwise` when there is none by the deadline. */
async function poll<T>(ask: () => Promise<T | null>, deadline: number, otherwise: string): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== null) return answer
    if (performance.now() > deadline) throw new Error(otherwise)
    await sleep(pollMs)
  }
}

/** One unit of a product that is in stock, or null when none is, or was no longer when the order came. */
async function buyOne(shop: FrontendClient): Promise<Order | null> {
  const product = (await shop.products({ timeoutMs })).find(({ quantity }) => quantity > 0)
  if (product === undefined) return null
  return orderOne({ order: (request, key) => shop.order(request, key, { timeoutMs }) }, product.name, randomUUID())
}

function isSame(ordered: Order, stored: Order): boolean {
  const fields = ['number', 'name', 'type', 'quantity', 'price'] as const
  return fields.every(field => ordered[field] === stored[field])
}
