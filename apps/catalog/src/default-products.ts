/** A product to begin with. Without a `quantity` it takes the general stock level. */
export interface InitialProduct {
  name: string
  price: number
  quantity?: number
}

/** The toy shop that a new Bazaar sells. */
export const defaultProducts: readonly InitialProduct[] = [
  { name: 'Tux', price: 25.99 },
  { name: 'Fox', price: 19.99 },
  { name: 'Python', price: 21.49 },
  { name: 'Whale', price: 34.5 },
  { name: 'Elephant', price: 29.99 },
  { name: 'Gopher', price: 18.75 },
  { name: 'Crab', price: 14.99 },
  { name: 'Dolphin', price: 27.25 },
  { name: 'Chess', price: 39.9 },
  { name: 'Marbles', price: 6.49 },
  { name: 'Kite', price: 12.0 },
  { name: 'Robot', price: 45.0 },
]
