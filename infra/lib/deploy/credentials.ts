import * as ec2 from '@aws-sdk/client-ec2'
import type { Cloud } from './cloud.ts'
import { DeployError } from './errors.ts'

/** A first deployment takes about ten minutes; credentials that end during one leave a stack half made. */
const neededMinutes = 15

const howToGetSome =
  'in a Learner Lab: start the lab, open AWS Details, and put what "AWS CLI" shows into ~/.aws/credentials; ' +
  'elsewhere: aws configure, or aws sso login'

/** Names of the errors with which AWS refuses credentials, as opposed to what is asked with them. */
const refusals = ['AuthFailure', 'InvalidClientTokenId', 'SignatureDoesNotMatch', 'UnrecognizedClientException']
const expiries = ['RequestExpired', 'ExpiredToken', 'ExpiredTokenException']

/** Whether AWS takes the credentials, and for how long it will. */
export async function checkCredentials(cloud: Cloud): Promise<string> {
  const region = await cloud.region()
  const { expiration, sessionToken } = await cloud.client.config.credentials().catch(error => {
    throw new DeployError(`no credentials (${(error as Error).message}): ${howToGetSome}`)
  })
  const minutes = expiration === undefined ? null : Math.floor((expiration.getTime() - Date.now()) / 60_000)
  if (minutes !== null && minutes < neededMinutes) {
    throw new DeployError(
      `the credentials end in ${minutes} minutes and a deployment may take ${neededMinutes}: renew them`,
    )
  }
  await ask(cloud)
  if (minutes !== null) return `valid in ${region} for ${Math.floor(minutes / 60)} h ${minutes % 60} min`
  return sessionToken === undefined
    ? `valid in ${region} until they are withdrawn`
    : `valid in ${region} now; they are temporary and do not say until when (a Learner Lab session lasts four hours)`
}

/** The cheapest question that needs valid credentials. */
async function ask(cloud: Cloud): Promise<void> {
  try {
    await cloud.client.send(new ec2.DescribeAccountAttributesCommand({}))
  } catch (error) {
    const { name, message } = error as Error
    if (expiries.includes(name)) throw new DeployError(`the credentials have ended: ${howToGetSome}`)
    if (refusals.includes(name)) throw new DeployError(`AWS refuses the credentials (${message}): ${howToGetSome}`)
    if (name === 'UnauthorizedOperation') throw new DeployError(`the credentials may not use EC2: ${message}`)
    throw new DeployError(`EC2 in ${await cloud.region()} does not answer: ${message}`)
  }
}
