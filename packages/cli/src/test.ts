import { defineCommand } from 'citty'

export const testCommand = defineCommand({ meta: { name: 'test', description: 'x' }, run() {} })
