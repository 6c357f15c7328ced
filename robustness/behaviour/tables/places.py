"""Countries and large cities, by what can stand in each other's place.

Left out are names that are also words, people or other places (Turkey, Chad, Jordan, Georgia, Nice, Lincoln,
Washington), and those with a comma, an accent or an ampersand in their English name.
"""

from collections.abc import Mapping

PLACES: Mapping[str, tuple[str, ...]] = {
    "country": (
        "Afghanistan", "Albania", "Algeria", "Angola", "Argentina", "Armenia", "Australia", "Austria",
        "Azerbaijan", "Bahrain", "Bangladesh", "Belarus", "Belgium", "Belize", "Benin", "Bhutan", "Bolivia",
        "Botswana", "Brazil", "Brunei", "Bulgaria", "Burkina Faso", "Burundi", "Cambodia", "Cameroon",
        "Canada", "Chile", "China", "Colombia", "Costa Rica", "Croatia", "Cuba", "Cyprus", "Denmark",
        "Ecuador", "Egypt", "El Salvador", "Eritrea", "Estonia", "Ethiopia", "Fiji", "Finland", "France",
        "Gabon", "Germany", "Ghana", "Greece", "Guatemala", "Guyana", "Haiti", "Honduras", "Hungary",
        "Iceland", "India", "Indonesia", "Iran", "Iraq", "Ireland", "Israel", "Italy", "Jamaica", "Japan",
        "Kazakhstan", "Kenya", "Kuwait", "Kyrgyzstan", "Laos", "Latvia", "Lebanon", "Lesotho", "Liberia",
        "Libya", "Lithuania", "Luxembourg", "Madagascar", "Malawi", "Malaysia", "Malta", "Mauritania",
        "Mauritius", "Mexico", "Moldova", "Mongolia", "Montenegro", "Morocco", "Mozambique", "Myanmar",
        "Namibia", "Nepal", "New Zealand", "Nicaragua", "Nigeria", "North Korea", "North Macedonia", "Norway",
        "Oman", "Pakistan", "Panama", "Paraguay", "Peru", "Poland", "Portugal", "Qatar", "Romania", "Russia",
        "Rwanda", "Saudi Arabia", "Senegal", "Serbia", "Sierra Leone", "Singapore", "Slovakia", "Slovenia",
        "Somalia", "South Africa", "South Korea", "South Sudan", "Spain", "Sri Lanka", "Sudan", "Suriname",
        "Sweden", "Switzerland", "Syria", "Taiwan", "Tajikistan", "Tanzania", "Thailand", "Tunisia",
        "Turkmenistan", "Uganda", "Ukraine", "Uruguay", "Uzbekistan", "Venezuela", "Vietnam", "Yemen",
        "Zambia", "Zimbabwe",
    ),
    "country with an article": (
        "Bahamas", "Central African Republic", "Comoros", "Czech Republic", "Dominican Republic", "Gambia",
        "Maldives", "Marshall Islands", "Netherlands", "Philippines", "Seychelles", "Solomon Islands",
        "United Arab Emirates", "United Kingdom", "United States",
    ),
    "city": (
        "Addis Ababa", "Amsterdam", "Ankara", "Athens", "Atlanta", "Baghdad", "Bangkok", "Barcelona",
        "Beijing", "Berlin", "Bogota", "Boston", "Brussels", "Bucharest", "Budapest", "Buenos Aires", "Cairo",
        "Cape Town", "Casablanca", "Chicago", "Copenhagen", "Dakar", "Dallas", "Delhi", "Denver", "Detroit",
        "Dhaka", "Dubai", "Dublin", "Frankfurt", "Geneva", "Glasgow", "Hamburg", "Hanoi", "Havana",
        "Helsinki", "Hong Kong", "Houston", "Istanbul", "Jakarta", "Jerusalem", "Johannesburg", "Karachi",
        "Kinshasa", "Kolkata", "Kuala Lumpur", "Kyoto", "Lagos", "Lima", "Lisbon", "Liverpool", "London",
        "Los Angeles", "Madrid", "Manchester", "Manila", "Melbourne", "Miami", "Milan", "Montreal", "Moscow",
        "Mumbai", "Munich", "Nairobi", "New York", "Osaka", "Oslo", "Paris", "Philadelphia", "Prague",
        "Riyadh", "Rome", "San Diego", "San Francisco", "Santiago", "Sao Paulo", "Seattle", "Seoul",
        "Shanghai", "Stockholm", "Taipei", "Tehran", "Tel Aviv", "Tokyo", "Toronto", "Vancouver", "Vienna",
        "Warsaw", "Zagreb", "Zurich",
    ),
}  # fmt: skip
