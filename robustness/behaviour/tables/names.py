"""Common first names of the United States, by gender.

From the most frequent names of the last hundred years of the Social Security Administration ("Top names over
the last 100 years"). Left out are names that are also words (Will, Mark, Grace, Dawn), places (Austin,
Charlotte, Virginia), common as surnames (Scott, Tyler, Kelly), or common for women and men alike (Terry,
Jordan, Ashley).
"""

from collections.abc import Mapping

FIRST_NAMES: Mapping[str, tuple[str, ...]] = {
    "women": (
        "Abigail", "Alice", "Amanda", "Amy", "Andrea", "Angela", "Anna", "Barbara", "Betty", "Brenda",
        "Brittany", "Carolyn", "Catherine", "Cheryl", "Christina", "Christine", "Cynthia", "Danielle",
        "Deborah", "Debra", "Denise", "Diana", "Diane", "Donna", "Dorothy", "Elizabeth", "Emily", "Emma",
        "Evelyn", "Hannah", "Helen", "Isabella", "Jacqueline", "Janet", "Janice", "Jennifer", "Jessica",
        "Joan", "Judith", "Judy", "Julia", "Julie", "Karen", "Katherine", "Kathleen", "Kathryn", "Kathy",
        "Kayla", "Kimberly", "Laura", "Lauren", "Linda", "Lisa", "Lori", "Margaret", "Maria", "Marilyn",
        "Martha", "Mary", "Megan", "Melissa", "Michelle", "Nancy", "Natalie", "Nicole", "Olivia", "Pamela",
        "Patricia", "Rachel", "Rebecca", "Samantha", "Sandra", "Sara", "Sarah", "Sharon", "Sophia",
        "Stephanie", "Susan", "Teresa", "Theresa",
    ),
    "men": (
        "Aaron", "Adam", "Alan", "Albert", "Alexander", "Andrew", "Anthony", "Benjamin", "Billy", "Bobby",
        "Brandon", "Brian", "Bryan", "Caleb", "Carl", "Charles", "Christopher", "Daniel", "David", "Dennis",
        "Donald", "Edward", "Elijah", "Eric", "Ethan", "Gabriel", "Gary", "Gerald", "Gregory", "Harold",
        "Jacob", "Jason", "Jeffrey", "Jeremy", "Jerry", "Joe", "John", "Jonathan", "Jose", "Joseph", "Joshua",
        "Juan", "Justin", "Keith", "Kenneth", "Kevin", "Kyle", "Larry", "Liam", "Lucas", "Matthew", "Michael",
        "Nathan", "Nicholas", "Noah", "Patrick", "Paul", "Peter", "Raymond", "Richard", "Robert", "Roger",
        "Ronald", "Ryan", "Samuel", "Sean", "Stephen", "Steven", "Timothy", "Vincent", "Walter", "William",
        "Zachary",
    ),
}  # fmt: skip
