import { setTimeout as delay } from 'node:timers/promises'
import { buildService, commonEnvironment, DurableJSONFile, readConfig, runMain, startService } from '@bazaar/service'
import Type from 'typebox'

// A service as the apps are, for the tests to start, stop and break. It prints `listening` once it listens.
await runMain(async () => {
  const config = readConfig(
    Type.Object({
      ...commonEnvironment,
      FIXTURE_SOCKET: Type.String(),
      FIXTURE_FILE: Type.Optional(Type.String()),
    }),
  )
  const app = buildService({ name: config.BAZAAR_NAME })
  app.get('/slow', async () => {
    console.log('asked')
    await delay(300)
    return { done: true }
  })
  app.get('/crash', () => {
    setImmediate(() => {
      throw new Error('something broke')
    })
    return {}
  })
  app.get('/bug', async () => {
    throw new Error('something failed')
  })
  app.get('/late-bug', async (_request, reply) => {
    reply.send({ done: true })
    throw new Error('something failed after the answer')
  })
  const file = config.FIXTURE_FILE === undefined ? null : await DurableJSONFile.open<string>(config.FIXTURE_FILE)
  app.get('/write', async () => {
    try {
      await file?.write('newer')
      return 'written'
    } catch (error) {
      return (error as NodeJS.ErrnoException).code
    }
  })
  await startService({
    listeners: [{ app, listen: { socket: config.FIXTURE_SOCKET } }],
    supervised: config.BAZAAR_SUPERVISED === 1,
    onStop: async () => console.log('stopped'),
  })
  console.log('listening')
})
