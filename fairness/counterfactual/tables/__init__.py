"""Identity terms by axis; each module says where its terms come from and what they leave out."""
