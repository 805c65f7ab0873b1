//! Lists of our own, for what the `fake` crate has none or an outdated one. English; the order is part of the version.

pub type List = &'static [&'static str];

pub const GENDERS: List = &["female", "male", "non-binary"];
#[rustfmt::skip]
pub const DEPARTMENTS: List = &[
    "Sales", "Marketing", "Engineering", "Finance", "Human Resources", "Operations", "Legal", "Support", "Research",
    "Procurement", "Logistics", "Quality", "Design", "Security", "Administration",
];
#[rustfmt::skip]
pub const CATEGORIES: List = &[
    "Books", "Electronics", "Garden", "Home", "Kitchen", "Toys", "Sports", "Outdoor", "Beauty", "Health", "Grocery",
    "Clothing", "Shoes", "Jewelry", "Music", "Movies", "Games", "Tools", "Automotive", "Office", "Baby", "Pets", "Art",
    "Furniture", "Lighting", "Travel",
];
#[rustfmt::skip]
pub const PRODUCT_ADJECTIVES: List = &[
    "Small", "Ergonomic", "Rustic", "Intelligent", "Gorgeous", "Incredible", "Fantastic", "Practical", "Sleek",
    "Awesome", "Generic", "Handcrafted", "Handmade", "Licensed", "Refined", "Unbranded", "Tasty", "Modern", "Recycled",
    "Bespoke", "Luxurious", "Elegant", "Compact", "Portable", "Durable", "Lightweight", "Foldable", "Vintage",
];
#[rustfmt::skip]
pub const MATERIALS: List = &[
    "Steel", "Wooden", "Concrete", "Plastic", "Cotton", "Granite", "Rubber", "Metal", "Bamboo", "Ceramic", "Bronze",
    "Marble", "Linen", "Leather", "Glass", "Silk", "Wool", "Aluminum", "Copper", "Cork",
];
#[rustfmt::skip]
pub const PRODUCTS: List = &[
    "Chair", "Car", "Computer", "Keyboard", "Mouse", "Bike", "Ball", "Gloves", "Pants", "Shirt", "Table", "Shoes",
    "Hat", "Towels", "Soap", "Lamp", "Desk", "Backpack", "Watch", "Mug", "Bottle", "Bench", "Clock", "Wallet", "Knife",
    "Plate", "Headphones", "Camera", "Speaker", "Umbrella",
];
#[rustfmt::skip]
pub const COLORS: List = &[
    "red", "green", "blue", "yellow", "orange", "purple", "pink", "brown", "black", "white", "gray", "cyan", "magenta",
    "lime", "teal", "indigo", "violet", "maroon", "olive", "navy", "silver", "gold", "beige", "ivory", "turquoise",
    "salmon", "tan", "plum", "orchid", "lavender",
];
#[rustfmt::skip]
pub const EMOJI: List = &[
    "😀", "😂", "😍", "😎", "🤔", "😢", "😡", "👍", "👎", "👏", "🙏", "💪", "🎉", "🔥", "❤️", "💯", "🚀", "⭐", "🌈", "☕", "🍕",
    "🎂", "🐶", "🐱", "🌍", "📚", "💡", "✅", "❌", "👀",
];
#[rustfmt::skip]
pub const LANGUAGES: List = &[
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da", "fi", "no", "cs", "hu", "el", "tr", "ru", "uk", "ar",
    "he", "fa", "hi", "bn", "th", "vi", "id", "ja", "ko", "zh", "sw",
];
#[rustfmt::skip]
pub const LANGUAGE_NAMES: List = &[
    "English", "German", "French", "Spanish", "Italian", "Portuguese", "Dutch", "Polish", "Swedish", "Danish",
    "Finnish", "Norwegian", "Czech", "Hungarian", "Greek", "Turkish", "Russian", "Ukrainian", "Arabic", "Hebrew",
    "Persian", "Hindi", "Bengali", "Thai", "Vietnamese", "Indonesian", "Japanese", "Korean", "Chinese", "Swahili",
];
#[rustfmt::skip]
pub const LOCALES: List = &[
    "en-US", "en-GB", "de-DE", "fr-FR", "es-ES", "es-MX", "it-IT", "pt-BR", "pt-PT", "nl-NL", "pl-PL", "sv-SE",
    "da-DK", "fi-FI", "nb-NO", "cs-CZ", "tr-TR", "ar-SA", "he-IL", "hi-IN", "th-TH", "vi-VN", "id-ID", "ja-JP",
    "ko-KR", "zh-CN", "zh-TW",
];
#[rustfmt::skip]
pub const CURRENCIES: List = &[
    "EUR", "USD", "GBP", "CHF", "JPY", "CNY", "AUD", "CAD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "TRY", "BRL",
    "MXN", "INR", "KRW", "SGD", "HKD", "NZD", "ZAR", "THB", "IDR", "AED", "SAR", "ILS", "ARS", "CLP",
];
#[rustfmt::skip]
pub const CURRENCY_NAMES: List = &[
    "Euro", "US Dollar", "Pound Sterling", "Swiss Franc", "Yen", "Yuan Renminbi", "Australian Dollar",
    "Canadian Dollar", "Swedish Krona", "Norwegian Krone", "Danish Krone", "Zloty", "Czech Koruna", "Forint",
    "Turkish Lira", "Brazilian Real", "Mexican Peso", "Indian Rupee", "Won", "Singapore Dollar", "Hong Kong Dollar",
    "New Zealand Dollar", "Rand", "Baht", "Rupiah", "UAE Dirham", "Saudi Riyal", "New Israeli Sheqel",
    "Argentine Peso", "Chilean Peso",
];
pub const CURRENCY_SYMBOLS: List = &["€", "$", "£", "¥", "₩", "₹", "₺", "zł", "kr", "R$", "CHF", "฿", "₪"];
#[rustfmt::skip]
pub const MIME_TYPES: List = &[
    "image/jpeg", "image/png", "image/webp", "image/gif", "image/svg+xml", "application/pdf", "text/plain", "text/csv",
    "text/html", "application/json", "application/zip", "audio/mpeg", "video/mp4", "application/octet-stream",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
];
pub const EXTENSIONS: List =
    &["jpg", "png", "pdf", "txt", "csv", "docx", "xlsx", "zip", "mp3", "mp4", "json", "md", "webp"];
pub const METHODS: List = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
pub const HTTP_STATUSES: List =
    &["200", "201", "204", "301", "302", "304", "400", "401", "403", "404", "409", "422", "429", "500", "502", "503"];
/// Addresses under these names reach nobody: RFC 2606 keeps them for examples.
pub const SAFE_DOMAINS: List = &["example.com", "example.org", "example.net"];
pub const STATUSES: List = &["active", "inactive", "pending", "archived"];
pub const PLANS: List = &["free", "basic", "pro", "enterprise"];
pub const ROLES: List = &["user", "editor", "admin", "viewer"];
pub const CARD_TYPES: List = &["Visa", "Mastercard", "American Express", "Discover"];
pub const WEEKDAYS: List = &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
#[rustfmt::skip]
pub const MONTHS: List = &[
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
];
#[rustfmt::skip]
pub const TAGS: List = &[
    "new", "sale", "featured", "popular", "limited", "eco", "premium", "classic", "summer", "winter", "bestseller",
    "gift", "vegan", "local", "handmade", "imported", "outlet", "trending", "bundle", "exclusive",
];
pub const UNITS: List = &["pcs", "kg", "g", "l", "ml", "m", "cm", "box", "pack", "pair"];
pub const VEHICLE_MAKERS: List = &[
    "Toyota",
    "Volkswagen",
    "Ford",
    "Honda",
    "BMW",
    "Mercedes-Benz",
    "Audi",
    "Renault",
    "Fiat",
    "Volvo",
    "Kia",
    "Hyundai",
    "Tesla",
    "Peugeot",
    "Škoda",
];
#[rustfmt::skip]
pub const USER_AGENTS: List = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
    "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
];
#[rustfmt::skip]
pub const STREETS: List = &[
    "Main", "Oak", "Maple", "Cedar", "Park", "Lake", "Hill", "Washington", "Church", "Mill", "Station", "Garden",
    "River", "Spring", "Market", "Bridge", "Victoria", "Forest", "School", "King", "Queen", "Meadow", "Sunset", "High",
];
