/**
 * @file Words that people look for pictures with. A map's page cannot embed texts, so these are embedded when it is made,
 * beside the words of the collection itself. Phrases have their words joined by `_`.
 */
const LISTS = `
dog cat puppy kitten horse foal cow calf bull sheep lamb goat pig piglet donkey mule camel llama deer elk moose
elephant giraffe zebra lion tiger leopard cheetah jaguar bear polar_bear panda wolf fox coyote monkey gorilla
chimpanzee ape kangaroo koala rabbit hare mouse rat hamster squirrel beaver otter hedgehog bat raccoon skunk badger
hippopotamus rhinoceros buffalo bison whale dolphin seal walrus shark fish salmon goldfish octopus crab lobster shrimp
jellyfish starfish coral shell snail frog toad turtle tortoise lizard snake crocodile dinosaur bird eagle hawk owl
falcon vulture parrot pigeon dove sparrow crow raven seagull swan goose duck duckling chicken rooster hen turkey
peacock penguin ostrich flamingo pelican stork hummingbird woodpecker insect butterfly moth bee wasp ant spider beetle
ladybug dragonfly mosquito fly caterpillar worm animal pet wildlife herd flock paw tail fur feather beak wing horn claw
tree oak pine palm_tree birch willow bush hedge forest jungle rainforest leaf branch trunk root bark grass lawn meadow
moss fern bamboo cactus flower rose tulip daisy sunflower lily orchid lavender poppy dandelion blossom bouquet petal
garden plant houseplant vine mushroom seed fruit vegetable mountain hill valley canyon cliff rock stone boulder cave
volcano desert dune sand beach coast shore island sea ocean wave lake pond river stream waterfall swamp marsh glacier
iceberg ice snow frost rain storm lightning thunder cloud sky rainbow fog mist wind sun sunset sunrise dusk dawn night
moon star galaxy planet earth space horizon landscape field farm orchard vineyard wheat corn hay mud dust smoke fire
flame campfire ash spark water puddle splash bubble drop reflection shadow light sunlight darkness silhouette
city town village street road highway path trail sidewalk alley crosswalk intersection bridge tunnel square plaza park
playground fountain statue monument tower skyscraper building house cottage cabin hut barn castle palace church
cathedral chapel mosque temple shrine pagoda ruins pyramid school university library museum theatre cinema stadium arena
gym hospital pharmacy bank office factory warehouse shop store supermarket market mall bakery restaurant cafe bar pub
hotel lobby airport railway_station bus_stop harbour port pier dock lighthouse dam windmill power_plant construction_site
crane scaffolding parking_lot garage petrol_station cemetery grave prison zoo aquarium circus fair carousel
ferris_wheel roller_coaster skyline suburb neighbourhood ghetto slum wall fence gate door doorway window balcony porch
patio deck roof chimney stairs staircase escalator elevator corridor hallway arch column dome brick concrete glass
wood metal plastic paper fabric leather tile marble kitchen bathroom bedroom living_room dining_room attic basement
office_desk classroom nursery laundry closet wardrobe sofa couch armchair chair stool bench table desk bed crib mattress
pillow blanket quilt sheet curtain blinds carpet rug mat lamp chandelier candle mirror picture_frame clock vase shelf
bookshelf cabinet cupboard drawer dresser fireplace radiator fan sink tap bathtub shower toilet towel soap toothbrush
hairbrush comb razor sponge bucket broom mop vacuum_cleaner washing_machine dryer iron refrigerator oven stove
microwave toaster kettle dishwasher blender pan pot wok plate bowl cup mug tumbler wine_glass bottle can jar jug
fork knife spoon chopsticks spatula tray napkin tablecloth basket lid bin trash_can ceiling floor wallpaper
food meal breakfast lunch dinner dessert snack bread toast sandwich burger hot_dog pizza pasta spaghetti noodles rice
sushi soup stew salad steak beef pork ham bacon sausage chicken_wings fried_chicken meatball seafood egg omelette
cheese butter milk yogurt cream ice_cream cake cupcake birthday_cake pie cookie biscuit doughnut croissant pancake
waffle chocolate candy honey jam sugar salt pepper sauce ketchup mustard oil nut almond peanut apple pear banana orange
lemon lime grape strawberry raspberry blueberry cherry peach plum melon watermelon pineapple mango kiwi coconut avocado
tomato potato carrot onion garlic cucumber lettuce spinach broccoli cauliflower cabbage bean pea pumpkin bell_pepper
chili coffee tea juice lemonade beer wine champagne cocktail whisky water_bottle soda milkshake french_fries chips
popcorn taco burrito curry dumpling kebab barbecue picnic buffet
person people man woman boy girl child children baby toddler teenager adult elderly old_man old_woman couple family
mother father parent grandmother grandfather brother sister twins friends group crowd audience team face head hair
blond_hair red_hair curly_hair long_hair bald beard moustache eye eyebrow nose mouth lips teeth tongue smile ear neck
shoulder arm elbow hand finger fist thumb nail leg knee foot toe back chest belly skin tattoo freckles makeup lipstick
portrait selfie mask costume wig crown helmet hard_hat cap hat beanie sunglasses glasses goggles scarf tie bow_tie
gloves mittens belt watch bracelet ring necklace earrings jewellery handbag purse backpack suitcase wallet umbrella
shirt t-shirt blouse sweater hoodie cardigan jacket coat raincoat vest suit tuxedo dress gown skirt trousers jeans
shorts leggings tights socks underwear bra bikini swimsuit pyjamas robe apron uniform overalls kimono sari kilt shoe
sneaker boot sandal slipper high_heels flip_flops long_sleeve sleeveless button zipper pocket collar hood sleeve heel
cotton denim wool silk lace velvet stripes polka_dots plaid floral checked plain pattern print
red yellow green blue purple violet pink brown black white grey gold silver beige turquoise maroon navy
colourful bright dark pale transparent shiny matte rough smooth soft hard wet dry dirty clean old new broken empty full
large small tall short long thin thick round flat curved straight sharp blurry close-up wide panorama aerial_view
from_above from_below side_view front_view back_view indoors outdoors black_and_white vintage abstract minimal
doctor nurse dentist surgeon patient scientist teacher student police_officer firefighter soldier sailor pilot chef cook
waiter baker butcher farmer fisherman gardener mechanic plumber electrician carpenter builder worker engineer driver
cyclist rider runner swimmer surfer skier snowboarder skateboarder climber hiker dancer ballerina singer musician
guitarist drummer pianist violinist conductor actor clown magician painter artist photographer journalist lawyer judge
priest monk nun bride groom king queen prince princess knight cowboy pirate ninja superhero athlete player goalkeeper
referee coach cheerleader boxer wrestler gymnast tourist shopper beggar vendor businessman businesswoman
walking running jumping standing sitting lying sleeping climbing swimming diving surfing skiing snowboarding
skateboarding cycling riding driving flying sailing rowing fishing hunting camping hiking dancing singing playing
reading writing drawing painting cooking baking eating drinking smoking talking laughing crying shouting whispering
kissing hugging holding_hands waving clapping pointing pushing pulling throwing catching kicking hitting fighting
falling sliding swinging digging cleaning washing brushing shopping working studying teaching
praying meditating exercising stretching lifting carrying looking watching listening waiting celebrating posing racing
chasing fetching barking grazing nesting blooming burning melting
football soccer basketball baseball volleyball tennis table_tennis badminton golf hockey ice_hockey rugby cricket
american_football boxing wrestling karate judo fencing gymnastics yoga athletics marathon triathlon archery bowling
billiards chess darts skating figure_skating sledging rafting kayak canoe paddle surfboard skateboard snowboard skis
bicycle mountain_bike motorcycle scooter baseball_bat ball net goal racket trophy medal podium scoreboard race_track
swimming_pool gym_equipment dumbbell treadmill trampoline swing slide seesaw sandbox hammock tent kite balloon frisbee
toy doll teddy_bear puzzle lego blocks cards dice board_game video_game joystick party birthday wedding christmas
christmas_tree halloween easter fireworks parade festival concert stage microphone guitar piano violin cello drum
trumpet saxophone flute harp accordion orchestra band
car sports_car convertible taxi van truck lorry bus school_bus tram train locomotive subway ambulance fire_engine
police_car tractor bulldozer excavator forklift trailer caravan jeep limousine racing_car rickshaw cart carriage wagon
airplane jet helicopter glider hot_air_balloon rocket spaceship satellite drone parachute boat ship ferry yacht sailboat
speedboat cruise_ship cargo_ship submarine raft anchor wheel tyre engine steering_wheel dashboard headlight licence_plate
traffic_light traffic_sign stop_sign traffic_jam railway track platform runway
computer laptop keyboard computer_mouse monitor screen tablet phone smartphone telephone camera lens tripod television
radio speaker headphones printer cable plug battery light_bulb torch robot machine circuit chip antenna telescope
microscope thermometer syringe stethoscope pill bandage wheelchair crutch tool hammer screwdriver saw drill wrench
pliers axe shovel rake ladder bolt rope chain hook wire spring lock key coin money banknote credit_card
book notebook newspaper magazine letter envelope stamp postcard pen pencil crayon paintbrush scissors tape ruler
calculator calendar map globe flag sign poster billboard graffiti mural painting drawing sketch sculpture cartoon comic
diagram chart graph spreadsheet text handwriting document form receipt ticket menu label barcode logo icon
screenshot website x-ray scan blueprint floor_plan satellite_image texture gradient weapon gun rifle sword bow_and_arrow
shield tank bomb bone skull skeleton eggshell nest cage leash dog_collar saddle hoof box crate barrel
sack package gift ribbon bow wreath lantern incense cross quill hourglass compass binoculars
happy sad angry surprised scared tired bored calm serious funny cute beautiful ugly scary romantic lonely busy peaceful
dangerous luxurious modern traditional rustic futuristic love peace war work holiday travel nature technology sport
music art fashion food_and_drink business health science history religion spring summer autumn winter morning evening
`;

/** The words and phrases, each once. */
export const COMMON_WORDS: readonly string[] = [
  ...new Set(
    LISTS.split(/\s+/)
      .filter(Boolean)
      .map((word) => word.replaceAll('_', ' ')),
  ),
];
