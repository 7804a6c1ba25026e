import { runAction } from '../run.ts'

// Loaded on demand, so that none of it is in a file that the main action loads.
runAction({ main: async () => await (await import('./main.ts')).main() })
