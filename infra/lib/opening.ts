import { createHash } from 'node:crypto'
import { type CfnResource, CfnWaitCondition, CfnWaitConditionHandle } from 'aws-cdk-lib'
import { Construct } from 'constructs'

/** How long a machine may take from its start to its first sale, in s: twice what the deployer is told to expect. */
const timeoutSeconds = 1200

/**
 * The machine's word that the shop is open. CloudFormation waits for it, so a deployment succeeds only when an order
 * was placed and read back, and otherwise fails with what the machine said.
 *
 * A signal counts once. So that every change of the user-data is waited for anew, the resources are named after it.
 */
export class Opening extends Construct {
  /** The user-data with the address of the signal in it. */
  readonly userData: string
  readonly #condition: CfnWaitCondition

  /** @param render Writes the user-data, given the address that the machine reports to. */
  constructor(scope: Construct, id: string, render: (signalUrl: string) => string) {
    super(scope, id)
    const digest = createHash('sha256').update(render('')).digest('hex').slice(0, 12)
    const handle = new CfnWaitConditionHandle(this, `Handle${digest}`)
    this.userData = render(handle.ref)
    this.#condition = new CfnWaitCondition(this, `Sale${digest}`, {
      handle: handle.ref,
      timeout: String(timeoutSeconds),
      count: 1,
    })
  }

  /** The machine cannot open before these are there, so neither is its word waited for. */
  waitFor(...resources: CfnResource[]): void {
    for (const resource of resources) this.#condition.addResourceDependency(resource)
  }
}
