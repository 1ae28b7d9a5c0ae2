import t from 'tap'
import { orderConfig } from '../src/config.ts'

t.test('a name that is none of the replicas is refused before anything is touched', async t => {
  const environment = (BAZAAR_NAME: string) => ({ BAZAAR_NAME, BAZAAR_DATA: '/data', BAZAAR_REPLICAS: '5' })
  t.match(orderConfig(environment('order-5')), { name: 'order-5', id: 5, replicas: 5, supervised: false })
  for (const name of ['order-6', 'order-15', 'catalog-1']) {
    const message = `BAZAAR_NAME must be order-1..order-5, got "${name}"`
    t.throws(() => orderConfig(environment(name)), { name: 'ConfigError', message })
  }
})
