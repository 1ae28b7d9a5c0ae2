/**
 * What the two ends of a connection share. A service that only answers needs no more than this; it is spared the clients,
 * and undici with them, at every start.
 */
export * from './call-protocol.ts'
export * from './claim-socket.ts'
export * from './clock.ts'
export * from './errors.ts'
export * from './json-crc.ts'
export * from './line-cursor.ts'
export * from './line-splitter.ts'
export * from './log-line.ts'
export * from './schemas.ts'
export * from './settings.ts'
export * from './socket-path.ts'
