import { App } from 'aws-cdk-lib'
import { BazaarStack } from '../lib/bazaar-stack.ts'
import { readCheckout } from '../lib/checkout.ts'
import { npmRegistry } from '../lib/npm-registry.ts'
import { settingsFrom } from '../lib/settings.ts'

// The only reader of the context and of the environment: everything below takes its settings as an argument.
const app = new App()
const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env
try {
  new BazaarStack(
    app,
    settingsFrom(key => app.node.tryGetContext(key), { account, region, registry: npmRegistry(), ...readCheckout() }),
  )
} catch (error) {
  console.error(`infra: ${(error as Error).message}`)
  process.exit(1)
}
