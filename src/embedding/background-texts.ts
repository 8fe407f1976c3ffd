/**
 * @file What photographs and drawings in general show: nouns of many kinds, written by hand. Their cosines to an image
 * say how much a text scores that was not chosen for it; see {@link classify}.
 */

/** 188 everyday things, each with its article. */
export const BACKGROUND_TEXTS: readonly string[] = `
  a dog, a cat, a horse, a cow, a sheep, a bird, a fish, an insect, a butterfly, a snake, a frog, a monkey, an
  elephant, a bear, a lion, a rabbit, a mouse, a spider, a tree, a flower, a leaf, grass, a mushroom, a cactus, a
  forest, a mountain, a desert, a beach, the sea, a river, a lake, a waterfall, snow, the sky, clouds, a sunset, the
  moon, stars, fire, smoke, rocks, sand, a man, a woman, a child, a baby, a crowd of people, a face, a hand, feet,
  an athlete, a soldier, a singer on a stage, a wedding, a party, people in the street, children playing, a football
  match, a basketball player, a swimmer, a skier, a bicycle race, a climber, a dancer, a t-shirt, a coat, a dress,
  trousers, a shoe, a hat, a bag, glasses, a watch, jewellery, a tie, a scarf, a bathroom, a bedroom, a kitchen, a
  living room, an office, a shop, a restaurant, a classroom, a garden, a street, a road, a bridge, a house, a tall
  building, a church, a castle, a tower, a door, a window, stairs, a fence, a bed, a chair, a table, a sofa, a lamp,
  a shelf of books, a mirror, a carpet, a curtain, a clock, a vase, a car, a bus, a truck, a motorcycle, a bicycle,
  a train, an airplane, a boat, a ship, a rocket, a wheel, a traffic sign, a telephone, a computer, a keyboard, a
  screen, a camera, a television, a loudspeaker, a guitar, a piano, a drum, a knife, a hammer, a screwdriver, a
  broom, a bucket, a bottle, a cup of coffee, a glass of wine, a plate of food, bread, a cake, a pizza, a salad,
  meat, cheese, an apple, a banana, an orange, a strawberry, vegetables, a ball, a toy, a doll, a balloon, a flag, a
  candle, an umbrella, a book, a newspaper, a letter, a page of text, a table of numbers, a diagram, a map, a chart,
  a screenshot of a program, a logo, an icon, an emoji, a drawing, a painting, a cartoon, a sculpture, a pattern, a
  texture, a blank page, a blurred picture, darkness, a coin, a banknote, a box, a machine, a factory, a ruin, a
  microscope picture, an X-ray picture, a satellite picture, a galaxy
`
  .split(',')
  .map((text) => text.trim().replace(/\s+/g, ' '));
