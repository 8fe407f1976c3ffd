/**
 * @file Words for what photographs show: the candidates for names of clusters. Concrete things and scenes, said as one
 * would say them in "a photo of …"; rather too many, since only those that tell one cluster from the others are taken.
 */

const GROUPS = {
  people:
    'a person|people|a man|a woman|a boy|a girl|a child|a baby|a couple|a family|a crowd|' +
    'a group of friends|children playing|an old man|an old woman|a portrait|a face|hands|feet|a bride|' +
    'a wedding|a dancer|a musician|a singer|a band|an athlete|a runner|a cyclist|a swimmer|a surfer|' +
    'a skier|a snowboarder|a skateboarder|a climber|a hiker|a football player|a basketball player|' +
    'a tennis player|a baseball player|a hockey player|a rider on a horse|a fisherman|a farmer|a chef|' +
    'a waiter|a worker|a builder|a doctor|a nurse|a soldier|a police officer|a firefighter|a teacher|' +
    'a student|an artist|a photographer|a street vendor|a tourist|a clown|a protest|a parade|a concert|' +
    'a party|a picnic|a market|a race|a game|a ceremony|a meeting',
  animals:
    'an animal|a dog|a puppy|dogs running|a dog with a ball|a dog in water|a dog in the snow|a cat|' +
    'a kitten|a horse|a cow|a sheep|a goat|a pig|a donkey|a rabbit|a hamster|a mouse|a squirrel|' +
    'a hedgehog|a fox|a wolf|a bear|a panda|a lion|a tiger|a leopard|an elephant|a giraffe|a zebra|' +
    'a rhinoceros|a hippopotamus|a monkey|a gorilla|a kangaroo|a koala|a deer|a moose|a camel|a bat|' +
    'a bird|a parrot|an owl|an eagle|a hawk|a duck|a goose|a swan|a chicken|a rooster|a turkey|a peacock|' +
    'a flamingo|a penguin|a seagull|a pigeon|a sparrow|a hummingbird|a fish|a goldfish|a shark|a whale|' +
    'a dolphin|a seal|an octopus|a jellyfish|a crab|a lobster|a shell|a coral reef|a turtle|a frog|' +
    'a lizard|a snake|a crocodile|a dinosaur|an insect|a butterfly|a moth|a bee|a beetle|a dragonfly|' +
    'a spider|a snail',
  nature:
    'a tree|a palm tree|a forest|leaves|autumn leaves|grass|a meadow|a field|a garden|a flower|a rose|' +
    'a tulip|a sunflower|an orchid|a bouquet|a cactus|a mushroom|moss|a potted plant|a mountain|a hill|' +
    'a valley|a canyon|a cliff|a cave|a rock|sand|a desert|a dune|a beach|the sea|a wave|an island|' +
    'a lake|a pond|a river|a waterfall|a swamp|snow|ice|a glacier|a volcano|the sky|clouds|fog|rain|' +
    'a storm|lightning|a rainbow|a sunrise|a sunset|the night sky|stars|the moon|the sun|a planet|' +
    'a galaxy|fire|smoke|a countryside|farmland|a vineyard|a park|a landscape',
  buildings:
    'a building|a house|a cottage|a villa|an apartment block|a skyscraper|a skyline|a city|a village|' +
    'a street|an alley|a road|a highway|a bridge|a tunnel|a tower|a castle|a palace|a church|a cathedral|' +
    'a mosque|a temple|a monument|a statue|a fountain|a ruin|a lighthouse|a windmill|a barn|a farm|' +
    'a factory|a warehouse|a construction site|a crane|a power plant|a wind turbine|solar panels|a dam|' +
    'a harbour|a pier|an airport|a railway station|a bus stop|a parking lot|a petrol station|a shop|' +
    'a supermarket|a shopping mall|a restaurant|a café|a bar|a hotel|a hospital|a school|a university|' +
    'a library|a museum|a theatre|a stadium|a playground|a swimming pool|a tennis court|a golf course|' +
    'a zoo|a cemetery|a prison|a facade|a roof|a balcony|a terrace|a gate|a fence|a brick wall|' +
    'a graffiti wall|a courtyard|a front yard|a back yard|a driveway',
  rooms:
    'a room|a living room|a bedroom|a bathroom|a kitchen|a dining room|an office|a classroom|a corridor|' +
    'a staircase|a garage|a basement|an attic|a laundry room|a nursery|a gym|a laboratory|a workshop|' +
    'a stage|an empty room|a window|a door|a floor|a ceiling|a fireplace|a bathtub|a shower|a toilet|' +
    'a sink|a mirror|a bed|a sofa|an armchair|a chair|a stool|a bench|a table|a desk|a shelf|a bookcase|' +
    'a wardrobe|a chest of drawers|a cupboard|a lamp|a chandelier|a curtain|a carpet|a cushion|a blanket|' +
    'a vase|a candle|a clock|a picture frame|a refrigerator|an oven|a stove|a dishwasher|' +
    'a washing machine|a vacuum cleaner|a fan|a radiator',
  clothes:
    'clothes|a dress|a skirt|a shirt|a T-shirt|a polo shirt|a blouse|a long-sleeved top|a sweater|' +
    'a hoodie|a cardigan|a jacket|a coat|a raincoat|outerwear|a suit|a vest|trousers|jeans|shorts|' +
    'leggings|a swimsuit|a bikini|underwear|pyjamas|a bathrobe|socks|tights|shoes|sneakers|boots|sandals|' +
    'high heels|slippers|a hat|a cap|a helmet|a scarf|gloves|a tie|a belt|a bag|a handbag|a backpack|' +
    'a suitcase|a wallet|glasses|sunglasses|a watch|a ring|a necklace|earrings|a bracelet|a mask|' +
    'a costume|a uniform|a kimono|an umbrella|striped fabric|checked fabric|a floral pattern|lace|' +
    'leather|denim|knitwear|fur',
  food:
    'food|a meal|breakfast|a salad|a soup|bread|a sandwich|a burger|a pizza|pasta|noodles|rice|sushi|' +
    'a steak|grilled meat|sausages|bacon|roast chicken|fish on a plate|seafood|shrimps|an omelette|eggs|' +
    'cheese|vegetables|tomatoes|carrots|potatoes|French fries|onions|peppers|corn|broccoli|fruit|apples|' +
    'bananas|oranges|lemons|grapes|strawberries|cherries|a pineapple|a watermelon|nuts|a cake|a cupcake|' +
    'a pie|a doughnut|cookies|chocolate|ice cream|candy|pancakes|a waffle|coffee|tea|a beer|wine|' +
    'a cocktail|juice|water in a glass|a bottle|a cup|a plate|a bowl|cutlery|a pan|a pot|a barbecue',
  vehicles:
    'a vehicle|a car|a sports car|a vintage car|a taxi|a police car|an ambulance|a fire engine|a van|' +
    'a truck|a bus|a tram|a train|a locomotive|a motorcycle|a scooter|a bicycle|a skateboard|' +
    'roller skates|a tractor|an excavator|a tank|an aeroplane|a fighter jet|a helicopter|' +
    'a hot-air balloon|a rocket|a drone|a boat|a sailing boat|a ship|a cruise ship|a ferry|a canoe|' +
    'a kayak|a submarine|a carriage|a sled|a wheel|a traffic light|a road sign|traffic',
  things:
    'a toy|a doll|a teddy bear|building bricks|a puzzle|a board game|playing cards|a chess board|a ball|' +
    'a balloon|a kite|a gift|a Christmas tree|decorations|a flag|a trophy|a medal|money|coins|a stamp|' +
    'a key|a lock|a tool|a hammer|a saw|scissors|a knife|a ladder|a rope|a bucket|a broom|a box|a basket|' +
    'a barrel|a can|a plastic bag|rubbish|a book|a newspaper|a magazine|a letter|a pen|a pencil|a map|' +
    'a poster|a billboard|a sign|a label|a logo|a barcode|packaging|perfume|cosmetics|medicine|' +
    'a computer|a laptop|a keyboard|a screen|a phone|a tablet|a camera|a television|a radio|headphones|' +
    'a loudspeaker|a cable|a circuit board|a robot|a machine|an engine|a battery|a guitar|a piano|' +
    'a violin|drums|a trumpet|a microscope|a telescope|a weapon|a gun|a sword|a tent|a sleeping bag|skis|' +
    'a surfboard|a tennis racket|a fishing rod',
  pictures:
    'a painting|a watercolour|an oil painting|a drawing|a sketch|a cartoon|a comic|an illustration|' +
    'a sculpture|pottery|a mosaic|a stained-glass window|a screenshot|a diagram|a chart|' +
    'a table of numbers|a page of text|handwriting|a document|a receipt|a form|a floor plan|a blueprint|' +
    'a map of a city|a satellite image|an aerial view|an X-ray|a microscope image|a cell|a pattern|' +
    'a texture|an abstract shape|a wallpaper|a collage|a black-and-white photograph|an old photograph|' +
    'a blurred photograph|a dark photograph|an overexposed photograph|a close-up|a silhouette|' +
    'a reflection|a shadow|an empty background|a white background|a product photograph|' +
    'a catalogue photograph|a selfie|a view from above|a view from a window|an underwater scene|' +
    'a night scene|a winter scene|an indoor scene|an outdoor scene',
};

/** Some 600 nouns and scenes, each once. */
export const CLUSTER_WORDS: readonly string[] = Object.values(GROUPS).flatMap((group) => group.split('|'));
