export * from './clock.ts'
export * from './errors.ts'
export * from './schemas.ts'
export * from './socket-path.ts'
